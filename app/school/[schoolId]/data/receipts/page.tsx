import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { ReceiptList } from '#components/received/receipt-list.tsx';
import { receiptsShown } from '#components/received/receipts-shown.ts';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('schoolData.receipts');
  return { title: t('title') };
}

/** What was deleted, destroyed or ended. */
export default async function ReceiptsPage({ params }: { params: Promise<{ schoolId: string }> }) {
  const { schoolId } = await params;
  await prefetch(
    trpc.connections.receipts.queryOptions({ schoolId, limit: receiptsShown }),
    `/school/${schoolId}/data/receipts`,
  );
  return (
    <Hydrate>
      <ReceiptList schoolId={schoolId} />
    </Hydrate>
  );
}
