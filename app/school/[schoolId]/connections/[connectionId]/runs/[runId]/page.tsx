import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { RunView } from '#components/connections/run/run-view.tsx';
import { readerOf } from '#components/school/reader.ts';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string; connectionId: string; runId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('connectionPage.runs');
  return { title: t('title') };
}

/** One sync: what came, what was set aside, and, where it is held, the decision. */
export default async function Run({ params }: Address) {
  const { schoolId, connectionId, runId } = await params;
  const reader = await readerOf(schoolId);
  const here = `/school/${schoolId}/connections/${connectionId}/runs/${runId}`;
  await prefetch(trpc.sync.run.queryOptions({ schoolId, syncRunId: runId }), here);
  return (
    <Hydrate>
      <RunView schoolId={schoolId} connectionId={connectionId} syncRunId={runId} roles={reader.roles} />
    </Hydrate>
  );
}
