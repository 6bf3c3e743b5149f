import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { readerOf } from '#components/school/reader.ts';
import { SchoolHome } from '#components/school/school-home.tsx';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('schoolHome');
  return { title: t('title') };
}

/** The school's home: how its systems are connected, and what waits. */
export default async function Home({ params }: { params: Promise<{ schoolId: string }> }) {
  const { schoolId } = await params;
  const reader = await readerOf(schoolId);
  const here = `/school/${schoolId}`;
  await Promise.all([
    prefetch(trpc.connections.schoolGraph.queryOptions({ schoolId }), here),
    prefetch(trpc.connections.inbox.queryOptions({ schoolId }), here),
    prefetch(trpc.people.listRecoveries.queryOptions({ schoolId }), here),
    prefetch(trpc.sync.progress.queryOptions({ schoolId }), here),
  ]);
  return (
    <Hydrate>
      <SchoolHome schoolId={schoolId} roles={reader.roles} />
    </Hydrate>
  );
}
