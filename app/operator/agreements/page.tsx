import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { CountersignTable } from '#components/operator/tables.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('agreements.countersignList'))('title') };
}

export default async function ToCountersign() {
  const rows = await orRefuse((await pageCaller()).agreements.listToCountersign({}), '/operator/agreements');
  const t = await getTranslations('agreements.countersignList');
  const templates = await getTranslations('agreements.templates');
  return (
    <>
      <PageHeader
        title={t('title')}
        standing={t('standing', { count: rows.length })}
        action={
          <Button asChild>
            <Link href="/operator/templates">{templates('title')}</Link>
          </Button>
        }
      />
      <CountersignTable rows={rows} empty={<EmptyState title={t('empty')}>{t('emptyBody')}</EmptyState>} />
    </>
  );
}
