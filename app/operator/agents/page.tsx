import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { AgentsTable } from '#components/operator/tables.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('organisations.agents'))('title') };
}

export default async function Agents() {
  const rows = await orRefuse((await pageCaller()).organisations.listAgents({}), '/operator/agents');
  const t = await getTranslations('organisations.agents');
  const add = (
    <Button asChild variant="primary">
      <Link href="/operator/agents/new">{t('add')}</Link>
    </Button>
  );
  const waiting = rows.filter((row) => row.reviewedAt === null).length;
  return (
    <>
      <PageHeader
        title={t('title')}
        standing={t('standing', { count: rows.length, waiting })}
        action={rows.length === 0 ? undefined : add}
      />
      <AgentsTable
        rows={rows}
        empty={
          <EmptyState title={t('empty')} action={add}>
            {t('emptyBody')}
          </EmptyState>
        }
      />
    </>
  );
}
