import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { CountersignTable } from '#components/operator/tables.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('agreements.countersignList'))('title') };
}

export default async function ToCountersign() {
  const rows = await orRefuse((await pageCaller()).agreements.listToCountersign({}), '/operator/agreements');
  const t = await getTranslations('agreements.countersignList');
  return (
    <>
      <PageHeader title={t('title')} standing={t('standing', { count: rows.length })} />
      <CountersignTable rows={rows} empty={<EmptyState title={t('empty')}>{t('emptyBody')}</EmptyState>} />
    </>
  );
}
