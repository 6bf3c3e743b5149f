import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { ConnectionView } from '#components/connections/connection/connection-view.tsx';
import { readerOf } from '#components/school/reader.ts';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('schoolHome.table');
  return { title: t('connection') };
}

/** One connection of the school. */
export default async function Connection({ params }: { params: Promise<{ schoolId: string; connectionId: string }> }) {
  const input = await params;
  const { schoolId, connectionId } = input;
  const reader = await readerOf(schoolId);
  const here = `/school/${schoolId}/connections/${connectionId}`;
  await Promise.all([
    prefetch(trpc.connections.page.queryOptions(input), here),
    prefetch(trpc.sync.progress.queryOptions({ schoolId }), here),
  ]);
  return (
    <Hydrate>
      <ConnectionView {...input} roles={reader.roles} />
    </Hydrate>
  );
}
