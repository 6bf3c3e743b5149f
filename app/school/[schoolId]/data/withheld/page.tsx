import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';
import { WithheldList } from '#components/withheld/withheld-list.tsx';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('withheld');
  return { title: t('title') };
}

/** Whom the school withholds from everybody outside it. */
export default async function WithheldPage({ params }: { params: Promise<{ schoolId: string }> }) {
  const { schoolId } = await params;
  await prefetch(trpc.withheld.list.queryOptions({ schoolId }), `/school/${schoolId}/data/withheld`);
  return (
    <Hydrate>
      <WithheldList schoolId={schoolId} />
    </Hydrate>
  );
}
