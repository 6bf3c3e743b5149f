import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { nextQuery, safeNext } from '#components/account/safe-next.ts';
import { SecondFactorSetUp } from '#components/account/second-factor-set-up.tsx';
import { PlainShell } from '#components/shell/app-shell.tsx';
import { pageCaller } from '#components/trpc/server.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('people.setUp'))('title') };
}

/** Where an organisation requires a second factor: it is set up before anything else. */
export default async function SetUp({ searchParams }: { searchParams: Promise<{ next?: string | string[] }> }) {
  const next = safeNext((await searchParams).next);
  const me = await (await pageCaller()).people.whoAmI({});
  if (me === null) redirect(`/sign-in${nextQuery(next)}`);
  if (me.waitsFor === null) redirect(next);
  if (me.waitsFor === 'second-factor') redirect(`/sign-in/second-factor${nextQuery(next)}`);
  const t = await getTranslations('people.setUp');
  return (
    <PlainShell>
      <div className="grid gap-5">
        <div className="grid gap-1">
          <h1>{t('title')}</h1>
          <p className="text-ink-2">{t('required')}</p>
        </div>
        <SecondFactorSetUp next={next} />
      </div>
    </PlainShell>
  );
}
