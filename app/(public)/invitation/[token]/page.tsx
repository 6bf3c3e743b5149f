import type { Metadata } from 'next';
import Link from 'next/link';
import { redirect } from 'next/navigation';
import { getFormatter, getTranslations } from 'next-intl/server';
import { AcceptButton } from '#components/account/accept-button.tsx';
import { AcceptForm } from '#components/account/accept-form.tsx';
import { Problem } from '#components/account/problem.tsx';
import { ProviderButtons } from '#components/account/provider-buttons.tsx';
import { PlainShell } from '#components/shell/app-shell.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';
import { Day } from '#components/ui/relative-time.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('people.invitation'))('title'), referrer: 'no-referrer' };
}

const problems = ['link-unusable', 'invitation-for-another', 'conflict-of-interest'] as const;

interface Props {
  params: Promise<{ token: string }>;
  searchParams: Promise<{ problem?: string | string[] }>;
}

/** An invitation: what to, by whom, and the one thing to do for whoever opens it. */
export default async function Invitation({ params, searchParams }: Props) {
  const { token } = await params;
  const { problem } = await searchParams;
  const caller = await pageCaller();
  const { state, invitation } = await orRefuse(caller.people.viewInvitation({ token }));
  const t = await getTranslations('people.invitation');
  if (invitation === null) {
    return (
      <PlainShell>
        <div className="grid gap-4">
          <h1>{t('unusableTitle')}</h1>
          <p>{t(`unusable.${state}`)}</p>
          <div>
            <Button asChild variant="primary">
              <Link href="/sign-in">{t('toSignIn')}</Link>
            </Button>
          </div>
        </div>
      </PlainShell>
    );
  }
  const here = `/invitation/${token}`;
  if (invitation.signedIn === 'invited') {
    const me = await caller.people.whoAmI({});
    if (me !== null && me.waitsFor !== null) redirect(`/sign-in/second-factor?next=${encodeURIComponent(here)}`);
  }
  const roles = await getTranslations('people.roles');
  const errors = await getTranslations('errors');
  const format = await getFormatter();
  const organisation = invitation.organisation ?? 'Crosswalk';
  const roleWords = format.list(invitation.roles.map((role) => roles(role)));
  const known = problems.find((code) => code === problem);
  const signInHere = `/sign-in?next=${encodeURIComponent(here)}${invitation.email === null ? '' : `&email=${encodeURIComponent(invitation.email)}`}`;
  return (
    <PlainShell>
      <div className="grid gap-5">
        <div className="grid gap-2">
          <h1>{invitation.firstOperator ? t('firstOperatorTitle') : t('joinTitle', { organisation })}</h1>
          <p className="text-ink-2">
            {invitation.firstOperator
              ? t('firstOperatorLead')
              : t('lead', { inviter: invitation.inviter ?? organisation, roles: roleWords })}{' '}
            {t.rich('until', { day: () => <Day on={invitation.expiresAt} /> })}
          </p>
        </div>
        {problem !== undefined && (
          <Problem>
            {known !== undefined
              ? errors(known)
              : problem === 'not-signed-in'
                ? t('accountFirst')
                : t('providerFailed')}
          </Problem>
        )}
        {invitation.signedIn === 'invited' && (
          <AcceptButton token={token} words={t('accept', { organisation })} email={invitation.signedInAs ?? ''} />
        )}
        {invitation.signedIn === 'another' && (
          <>
            <p>{t('another', { invited: invitation.email ?? '', signedIn: invitation.signedInAs ?? '' })}</p>
            <div>
              <Button asChild variant="primary">
                <Link href="/sign-out">{t('signOut')}</Link>
              </Button>
            </div>
          </>
        )}
        {invitation.signedIn === 'nobody' && invitation.accountExists && (
          <>
            <p>{t('accountExists', { email: invitation.email ?? '' })}</p>
            <div>
              <Button asChild variant="primary">
                <Link href={signInHere}>{t('signInAndJoin')}</Link>
              </Button>
            </div>
          </>
        )}
        {invitation.signedIn === 'nobody' && !invitation.accountExists && (
          <>
            <AcceptForm token={token} email={invitation.email} name={invitation.name ?? ''} />
            {invitation.email !== null && <ProviderButtons next="/start" invitation={token} />}
          </>
        )}
      </div>
    </PlainShell>
  );
}
