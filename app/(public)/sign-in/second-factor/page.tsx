import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { nextQuery, safeNext } from '#components/account/safe-next.ts';
import { SecondFactorForm } from '#components/account/second-factor-form.tsx';
import { PlainShell } from '#components/shell/app-shell.tsx';
import { pageCaller } from '#components/trpc/server.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('people.secondFactor'))('title') };
}

/** The code after the password. */
export default async function SecondFactor({ searchParams }: { searchParams: Promise<{ next?: string | string[] }> }) {
  const next = safeNext((await searchParams).next);
  const me = await (await pageCaller()).people.whoAmI({});
  if (me === null) redirect(`/sign-in${nextQuery(next)}`);
  if (me.waitsFor === null) redirect(next);
  if (me.waitsFor === 'second-factor-set-up') redirect(`/sign-in/second-factor/set-up${nextQuery(next)}`);
  const t = await getTranslations('people.secondFactor');
  return (
    <PlainShell>
      <div className="grid gap-5">
        <div className="grid gap-1">
          <h1>{t('title')}</h1>
          <p className="text-ink-2">{t('lead', { email: me.email })}</p>
        </div>
        <SecondFactorForm next={next} />
      </div>
    </PlainShell>
  );
}
