import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { HealthTable } from '#components/operator/tables.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('operations.health'))('title') };
}

/** How connections stand, in counts: states and causes by school and connector. */
export default async function ConnectionHealth() {
  const rows = await orRefuse((await pageCaller()).operations.connectionHealth({}), '/operator/health');
  const t = await getTranslations('operations.health');
  const sum = (state: string) =>
    rows.filter((row) => row.state === state).reduce((total, row) => total + row.connections, 0);
  const [failing, live] = [sum('failing'), sum('live')];
  return (
    <>
      <PageHeader
        title={t('title')}
        standing={failing > 0 ? t('standing.failing', { failing, live }) : t('standing.calm', { live })}
      />
      <HealthTable rows={rows} empty={<EmptyState title={t('empty')}>{t('emptyBody')}</EmptyState>} />
    </>
  );
}
