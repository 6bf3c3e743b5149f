import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { PersonPage } from '#components/received/person-page.tsx';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string; personId: string }>;
}

/** No name: a title stands in the browser's history. */
export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('schoolData.person');
  return { title: t('title') };
}

/** One person of the roster, and who can see him. */
export default async function Person({ params }: Address) {
  const { schoolId, personId } = await params;
  await prefetch(trpc.data.person.queryOptions({ schoolId, personId }), `/school/${schoolId}/data/people/${personId}`);
  return (
    <Hydrate>
      <PersonPage schoolId={schoolId} personId={personId} />
    </Hydrate>
  );
}
