import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { TemplatesTable } from '#components/agreements/templates-table.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('agreements.templates'))('title') };
}

export default async function TemplatesOfOperator() {
  const rows = await orRefuse((await pageCaller()).agreements.listTemplates({}), '/operator/templates');
  const t = await getTranslations('agreements.templates');
  const lists = await getTranslations('agreements.list');
  const write = (
    <Button asChild variant="primary">
      <Link href="/operator/templates/new">{t('new')}</Link>
    </Button>
  );
  return (
    <>
      <PageHeader
        above={<Link href="/operator/agreements">{lists('title')}</Link>}
        title={t('title')}
        standing={t('operatorStanding', { count: rows.length })}
        action={rows.length === 0 ? undefined : write}
      />
      <TemplatesTable
        rows={rows}
        base="/operator/templates"
        mayChange
        empty={
          <EmptyState title={t('empty')} action={write}>
            {t('emptyBody')}
          </EmptyState>
        }
      />
    </>
  );
}
