import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { RunList } from '#components/connections/run-list.tsx';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('connectionPage.runs');
  return { title: t('title') };
}

/** Every sync of the system that a connection reads. */
export default async function Runs({ params }: { params: Promise<{ schoolId: string; connectionId: string }> }) {
  const { schoolId, connectionId } = await params;
  await prefetch(
    trpc.connections.page.queryOptions({ schoolId, connectionId }),
    `/school/${schoolId}/connections/${connectionId}/runs`,
  );
  return (
    <Hydrate>
      <RunList schoolId={schoolId} connectionId={connectionId} />
    </Hydrate>
  );
}
