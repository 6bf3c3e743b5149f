import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { TemplatesTable } from '#components/agreements/templates-table.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

interface Address {
  readonly params: Promise<{ agentId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('agreements.templates'))('title') };
}

export default async function TemplatesOfAgent({ params }: Address) {
  const { agentId } = await params;
  const base = `/agent/${agentId}/templates`;
  const caller = await pageCaller();
  const rows = await orRefuse(caller.agreements.listTemplates({ agentId }), base);
  const { mayChange } = await caller.people.listAgentMembers({ agentId });
  const t = await getTranslations('agreements.templates');
  const own = rows.filter((row) => row.own).length;
  const write = mayChange ? (
    <Button asChild variant="primary">
      <Link href={`${base}/new`}>{t('new')}</Link>
    </Button>
  ) : undefined;
  return (
    <>
      <PageHeader
        title={t('title')}
        standing={t('standing', { own, shared: rows.length - own })}
        action={rows.length === 0 ? undefined : write}
      />
      <TemplatesTable
        rows={rows}
        base={base}
        agentId={agentId}
        mayChange={mayChange}
        empty={
          <EmptyState title={t('empty')} action={write}>
            {t('emptyBody')}
          </EmptyState>
        }
      />
    </>
  );
}
