import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { browseAddress, isPeople } from '#components/received/browse-address.ts';
import { ReceivedData } from '#components/received/received-data.tsx';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string }>;
  readonly searchParams: Promise<Readonly<Record<string, string | string[] | undefined>>>;
}

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('schoolData');
  return { title: t('title') };
}

/** What was received of the school's systems. */
export default async function DataPage({ params, searchParams }: Address) {
  const { schoolId } = await params;
  const given = await searchParams;
  const here = `/school/${schoolId}/data`;
  const browse = browseAddress(
    {
      get: (name) => {
        const value = given[name];
        return (Array.isArray(value) ? value[0] : value) ?? null;
      },
    },
    schoolId,
  );
  const lists = {
    subjects: () => prefetch(trpc.data.subjects.queryOptions(browse.subjects), here),
    streams: () => prefetch(trpc.data.streams.queryOptions(browse.streams), here),
    groups: () => prefetch(trpc.data.groups.queryOptions(browse.groups), here),
    courses: () => prefetch(trpc.data.courses.queryOptions(browse.courses), here),
  };
  await Promise.all([
    prefetch(trpc.data.overview.queryOptions({ schoolId }), here),
    prefetch(trpc.connections.register.queryOptions({ schoolId }), here),
    // People are asked for by the list itself: not every reader may read them.
    isPeople(browse.collection) ? null : lists[browse.collection](),
  ]);
  return (
    <Hydrate>
      <ReceivedData schoolId={schoolId} />
    </Hydrate>
  );
}
