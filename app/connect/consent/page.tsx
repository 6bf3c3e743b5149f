import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { LinkConsent } from '#components/connections/link/link-consent.tsx';
import { PlainShell } from '#components/shell/app-shell.tsx';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('connectPage');
  return { title: t('metaTitle'), referrer: 'no-referrer' };
}

interface Address {
  readonly searchParams: Promise<Record<'state' | 'code' | 'error', string | string[] | undefined>>;
}

/** Where the callback sends the holder of a link, who has no session to answer in. */
export default async function Consent({ searchParams }: Address) {
  const { state, code, error } = await searchParams;
  const answer = {
    state: one(state) ?? '',
    ...(one(code) === undefined ? { error: one(error) ?? 'access_denied' } : { code: one(code) }),
  };
  return (
    <PlainShell wide>
      <LinkConsent answer={answer} />
    </PlainShell>
  );
}

const one = (value: string | string[] | undefined) => (typeof value === 'string' ? value : undefined);
