import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { PairingPage } from '#components/connections/pairing/pairing-page.tsx';
import { PlainShell } from '#components/shell/app-shell.tsx';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('pairing');
  return { title: t('metaTitle'), referrer: 'no-referrer' };
}

/** The single-use link of an LMS's administrator. The token goes to the procedures in a header, never into a log of addresses. */
export default async function Pair({ params }: { params: Promise<{ token: string }> }) {
  const { token } = await params;
  return (
    <PlainShell wide>
      <PairingPage token={token} />
    </PlainShell>
  );
}
