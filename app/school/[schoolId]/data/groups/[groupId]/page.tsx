import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { GroupPage } from '#components/received/group-page.tsx';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string; groupId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('schoolData.group');
  return { title: t('title') };
}

/** One group or class with its members. */
export default async function Group({ params }: Address) {
  const { schoolId, groupId } = await params;
  await prefetch(trpc.data.group.queryOptions({ schoolId, groupId }), `/school/${schoolId}/data/groups/${groupId}`);
  return (
    <Hydrate>
      <GroupPage schoolId={schoolId} groupId={groupId} />
    </Hydrate>
  );
}
