import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { ActivityView } from '#components/school/activity-view.tsx';
import { readerOf } from '#components/school/reader.ts';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('schoolActivity');
  return { title: t('title') };
}

/** The school's audit trail. */
export default async function Activity({ params }: { params: Promise<{ schoolId: string }> }) {
  const { schoolId } = await params;
  const reader = await readerOf(schoolId);
  return <ActivityView schoolId={schoolId} roles={reader.roles} />;
}
