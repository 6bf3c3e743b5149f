import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { Pipeline } from '#components/agent/pipeline.tsx';
import { isOwnTurn } from '#components/agent/stage-badge.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

interface Address {
  readonly params: Promise<{ agentId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('schools.pipeline'))('title') };
}

/** The agent's home: every school with where it stands and what comes next. */
export default async function AgentHome({ params }: Address) {
  const { agentId } = await params;
  const rows = await orRefuse((await pageCaller()).schools.listPipeline({ agentId }), `/agent/${agentId}`);
  const t = await getTranslations('schools.pipeline');
  const attention = rows.filter((row) => row.stage === 'needs-attention').length;
  const yours = rows.filter((row) => row.stage !== 'needs-attention' && isOwnTurn(row)).length;
  const standing =
    rows.length === 0
      ? t('standing.none')
      : attention > 0 && yours > 0
        ? `${t('standing.attention', { count: attention })}, ${t('standing.yours', { count: yours })}`
        : attention > 0
          ? t('standing.attention', { count: attention })
          : yours > 0
            ? t('standing.yoursFirst', { count: yours })
            : t('standing.calm', { live: rows.filter((row) => row.stage === 'live').length });
  const add = (
    <Button asChild variant="primary">
      <Link href={`/agent/${agentId}/schools/new`}>{t('add')}</Link>
    </Button>
  );
  const importList = (
    <Button asChild>
      <Link href={`/agent/${agentId}/schools/import`}>{t('import')}</Link>
    </Button>
  );
  return (
    <>
      <PageHeader
        title={t('title')}
        standing={standing}
        action={
          rows.length === 0 ? undefined : (
            <>
              {importList}
              {add}
            </>
          )
        }
      />
      {rows.length === 0 ? (
        <EmptyState
          title={t('empty')}
          action={
            <div className="flex flex-wrap justify-center gap-2">
              {add}
              {importList}
            </div>
          }
        >
          {t('emptyBody')}
        </EmptyState>
      ) : (
        <Pipeline rows={rows} agentId={agentId} />
      )}
    </>
  );
}
