import type { Metadata } from 'next';
import Link from 'next/link';
import { redirect } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { Problem } from '#components/account/problem.tsx';
import { ProviderButtons } from '#components/account/provider-buttons.tsx';
import { nextQuery, safeNext } from '#components/account/safe-next.ts';
import { SignInForm } from '#components/account/sign-in-form.tsx';
import { PlainShell } from '#components/shell/app-shell.tsx';
import { pageCaller } from '#components/trpc/server.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('people.signIn'))('title') };
}

type Query = Record<'next' | 'problem' | 'error' | 'email' | 'done', string | string[] | undefined>;

/** E-mail and password, or an OpenID provider. */
export default async function SignIn({ searchParams }: { searchParams: Promise<Query> }) {
  const query = await searchParams;
  const next = safeNext(query.next);
  const me = await (await pageCaller()).people.whoAmI({});
  if (me !== null) redirect(me.waitsFor === null ? next : `/sign-in/second-factor${nextQuery(next)}`);
  const t = await getTranslations('people.signIn');
  const errors = await getTranslations('errors');
  const problem = query.problem === 'identity-not-linked' ? errors('identity-not-linked') : t('providerFailed');
  return (
    <PlainShell>
      <div className="grid gap-5">
        <h1>{t('title')}</h1>
        {query.done === 'password' && (
          <p role="status" className="rounded-control border border-live bg-live-bg px-4 py-3 font-semibold">
            {t('passwordSet')}
          </p>
        )}
        {(query.problem !== undefined || query.error !== undefined) && <Problem>{problem}</Problem>}
        <SignInForm next={next} email={typeof query.email === 'string' ? query.email : ''} />
        <ProviderButtons next={next} />
        <p className="text-ink-2 text-sm">
          {t.rich('noAccount', {
            register: (words) => (
              <Link href="/register" className="underline">
                {words}
              </Link>
            ),
          })}
        </p>
      </div>
    </PlainShell>
  );
}
