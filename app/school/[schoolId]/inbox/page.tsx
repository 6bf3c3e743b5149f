import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { readerOf } from '#components/school/reader.ts';
import { SchoolInbox } from '#components/school/school-inbox.tsx';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('schoolHome.asks');
  return { title: t('title') };
}

/** What waits for the reader at this school. */
export default async function Inbox({ params }: { params: Promise<{ schoolId: string }> }) {
  const { schoolId } = await params;
  await readerOf(schoolId);
  await prefetch(trpc.connections.inbox.queryOptions({ schoolId }), `/school/${schoolId}/inbox`);
  return (
    <Hydrate>
      <SchoolInbox schoolId={schoolId} />
    </Hydrate>
  );
}
