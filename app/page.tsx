import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { Wordmark } from '#components/shell/wordmark.tsx';
import { Button } from '#components/ui/button.tsx';
import { Ask } from '#components/ui/card.tsx';

interface FrontDoorProps {
  /** `consent`: why the answer of a foreign consent page belongs to no attempt that we know of. */
  readonly searchParams: Promise<Record<string, string | string[] | undefined>>;
}

/** The front door: what this is, and the two ways in. */
export default async function FrontDoor({ searchParams }: FrontDoorProps) {
  const { consent } = await searchParams;
  const t = await getTranslations('front');
  const errors = await getTranslations('errors');
  const refused = typeof consent === 'string' && consent.startsWith('consent-') && errors.has(consent) ? consent : null;
  return (
    <div className="mx-auto grid min-h-dvh max-w-[1100px] grid-rows-[auto_1fr_auto] px-5 py-6 md:px-8">
      <header className="flex items-center justify-between">
        <Wordmark />
        <Button asChild>
          <Link href="/sign-in">{t('signIn')}</Link>
        </Button>
      </header>
      <main id="content" className="grid content-center gap-10 py-14">
        {refused !== null && (
          <Ask look="fail">
            <p role="alert">{errors(refused)}</p>
          </Ask>
        )}
        <div className="grid max-w-3xl gap-5">
          <h1 className="text-[clamp(2rem,5vw,3.25rem)] leading-[1.08]">{t('title')}</h1>
          <p className="max-w-2xl text-lg text-ink-2">{t('lead')}</p>
          <div className="flex flex-wrap gap-3">
            <Button asChild variant="primary">
              <Link href="/register">{t('register')}</Link>
            </Button>
            <Button asChild>
              <Link href="/sign-in">{t('signIn')}</Link>
            </Button>
          </div>
        </div>
        <ul className="grid gap-4 md:grid-cols-3">
          {(['asked', 'named', 'ended'] as const).map((key) => (
            <li key={key} className="rounded-card border border-line bg-card p-5">
              <h2>{t(`${key}.title`)}</h2>
              <p className="mt-1 text-ink-2">{t(`${key}.body`)}</p>
            </li>
          ))}
        </ul>
      </main>
      <footer className="text-ink-2 text-sm">{t('footer')}</footer>
    </div>
  );
}
