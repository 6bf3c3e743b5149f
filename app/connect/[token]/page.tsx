import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { LinkSetUp } from '#components/connections/link/link-set-up.tsx';
import { PlainShell } from '#components/shell/app-shell.tsx';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('connectPage');
  return { title: t('metaTitle'), referrer: 'no-referrer' };
}

/** A technical contact's single-use link. The token goes to the procedures in a header, never into a log of addresses. */
export default async function Connect({ params }: { params: Promise<{ token: string }> }) {
  const { token } = await params;
  return (
    <PlainShell wide>
      <LinkSetUp token={token} />
    </PlainShell>
  );
}
