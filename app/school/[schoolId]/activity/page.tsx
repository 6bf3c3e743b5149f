import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { PageHeader } from '#components/ui/page-header.tsx';

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('schoolActivity');
  return { title: t('title') };
}

export default async function ActivityPage() {
  const t = await getTranslations('schoolActivity');
  return <PageHeader title={t('title')} />;
}
