import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { readerOf } from '#components/school/reader.ts';
import { RenewalsView } from '#components/school/renewals-view.tsx';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('renewals');
  return { title: t('title') };
}

/** Several connections renewed unchanged in one decision. */
export default async function Renewals({ params }: { params: Promise<{ schoolId: string }> }) {
  const { schoolId } = await params;
  const reader = await readerOf(schoolId);
  await prefetch(trpc.connections.renewals.queryOptions({ schoolId }), `/school/${schoolId}/renewals`);
  return (
    <Hydrate>
      <RenewalsView schoolId={schoolId} mayRenew={reader.roles.includes('approver')} />
    </Hydrate>
  );
}
