import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { PushRunView } from '#components/push/push-run-view.tsx';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string; connectionId: string; pushRunId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('push');
  return { title: t('run.title') };
}

/** One push: what it would write or has written, row by row, and the decision where it waits. */
export default async function PushRun({ params }: Address) {
  const { schoolId, connectionId, pushRunId } = await params;
  await prefetch(
    trpc.push.run.queryOptions({ schoolId, pushRunId }),
    `/school/${schoolId}/connections/${connectionId}/push/${pushRunId}`,
  );
  return (
    <Hydrate>
      <PushRunView schoolId={schoolId} connectionId={connectionId} pushRunId={pushRunId} />
    </Hydrate>
  );
}
