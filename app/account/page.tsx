import type { Metadata } from 'next';
import Link from 'next/link';
import { redirect } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { Identities } from '#components/account/identities.tsx';
import { OwnMemberships } from '#components/account/own-memberships.tsx';
import { OwnName } from '#components/account/own-name.tsx';
import { OwnPassword } from '#components/account/own-password.tsx';
import { OwnSecondFactor } from '#components/account/own-second-factor.tsx';
import { OwnSessions } from '#components/account/own-sessions.tsx';
import { Problem } from '#components/account/problem.tsx';
import { PlainShell } from '#components/shell/app-shell.tsx';
import { Hydrate, pageCaller, prefetch, trpc } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { webProcess } from '#server/trpc/context.ts';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('people.account'))('title') };
}

type Query = Record<'linked' | 'problem', string | string[] | undefined>;

/** One's own account: name, password, second factor, linked accounts, sessions, places. */
export default async function Account({ searchParams }: { searchParams: Promise<Query> }) {
  const me = await (await pageCaller()).people.whoAmI({});
  if (me === null) redirect('/sign-in?next=%2Faccount');
  if (me.account === null) redirect('/sign-in/second-factor?next=%2Faccount');
  await Promise.all([
    prefetch(trpc.people.whoAmI.queryOptions({})),
    prefetch(trpc.people.listSessions.queryOptions({}), '/account'),
  ]);
  const { linked, problem } = await searchParams;
  const t = await getTranslations('people.account');
  const { env } = await webProcess();
  const providers = env.oidc.map(({ id, label, issuer }) => ({ id, label, issuer }));
  return (
    <PlainShell wide>
      <PageHeader
        title={t('title')}
        standing={me.email}
        action={
          <Button asChild>
            <Link href="/start">{t('toWork')}</Link>
          </Button>
        }
      />
      <Hydrate>
        <div className="grid gap-5">
          {problem !== undefined && <Problem>{t(problem === 'duplicate' ? 'linkedElsewhere' : 'linkFailed')}</Problem>}
          {linked !== undefined && problem === undefined && (
            <p role="status" className="rounded-control border border-live bg-live-bg px-4 py-3 font-semibold">
              {t('linkDone')}
            </p>
          )}
          <OwnName />
          <OwnPassword />
          <OwnSecondFactor />
          <Identities providers={providers} />
          <OwnSessions />
          <OwnMemberships />
        </div>
      </Hydrate>
    </PlainShell>
  );
}
