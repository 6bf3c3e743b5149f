import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { LedgerView } from '#components/push/ledger-view.tsx';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string; connectionId: string }>;
  readonly searchParams: Promise<{ of?: string | string[] }>;
}

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('push');
  return { title: t('ledger.title') };
}

/** What Crosswalk made or adopted in an LMS, row by row. */
export default async function Ledger({ params, searchParams }: Address) {
  const input = await params;
  const { of } = await searchParams;
  await prefetch(
    trpc.push.page.queryOptions(input),
    `/school/${input.schoolId}/connections/${input.connectionId}/push/ledger`,
  );
  return (
    <Hydrate>
      <LedgerView {...input} of={typeof of === 'string' ? of : null} />
    </Hydrate>
  );
}
