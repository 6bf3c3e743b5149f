import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { SchoolPeople } from '#components/people/school-people.tsx';
import { readerOf } from '#components/school/reader.ts';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('schoolPeople');
  return { title: t('title') };
}

/** Who acts for the school. */
export default async function PeoplePage({ params }: { params: Promise<{ schoolId: string }> }) {
  const { schoolId } = await params;
  const { schoolName } = await readerOf(schoolId);
  const here = `/school/${schoolId}/people`;
  await Promise.all([
    prefetch(trpc.people.whoAmI.queryOptions({}), here),
    prefetch(trpc.people.listSchoolMembers.queryOptions({ schoolId }), here),
    prefetch(trpc.people.listRoleLimits.queryOptions({ schoolId }), here),
    prefetch(trpc.people.listRecoveries.queryOptions({ schoolId }), here),
  ]);
  return (
    <Hydrate>
      <SchoolPeople schoolId={schoolId} schoolName={schoolName} />
    </Hydrate>
  );
}
