import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { JobsTable } from '#components/operator/tables.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

interface Address {
  readonly searchParams: Promise<{ before?: string | string[] }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('operations.jobs'))('title') };
}

const perPage = 200;

/** Runs of background jobs, 200 at a time. */
export default async function Jobs({ searchParams }: Address) {
  const { before } = await searchParams;
  const at = typeof before === 'string' && !Number.isNaN(Date.parse(before)) ? new Date(before) : undefined;
  const rows = await orRefuse(
    (await pageCaller()).operations.listJobs(at === undefined ? {} : { before: at }),
    '/operator/jobs',
  );
  const t = await getTranslations('operations.jobs');
  const failed = rows.filter((row) => row.state === 'failed').length;
  const last = rows.at(-1);
  return (
    <>
      <PageHeader
        title={t('title')}
        standing={
          failed > 0 ? t('standing.failed', { failed, count: rows.length }) : t('standing.calm', { count: rows.length })
        }
      />
      <div className="grid gap-3">
        <JobsTable rows={rows} empty={<EmptyState title={t('empty')}>{t('emptyBody')}</EmptyState>} />
        {rows.length === perPage && last !== undefined && (
          <div>
            <Button asChild size="small">
              <Link href={`/operator/jobs?before=${encodeURIComponent(last.createdAt.toISOString())}`}>
                {t('older')}
              </Link>
            </Button>
          </div>
        )}
      </div>
    </>
  );
}
