import { getTranslations } from 'next-intl/server';
import { PageHeader } from '#components/ui/page-header.tsx';

export default async function PeoplePage() {
  const t = await getTranslations('schoolPeople');
  return <PageHeader title={t('title')} />;
}
