import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { PageHeader } from '#components/ui/page-header.tsx';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('schoolPeople');
  return { title: t('title') };
}

export default async function PeoplePage() {
  const t = await getTranslations('schoolPeople');
  return <PageHeader title={t('title')} />;
}
