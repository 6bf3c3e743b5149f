'use client';

import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useFormatter, useTranslations } from 'next-intl';
import { lookOfRun } from '#components/connections/state-look.ts';
import { isUnderWay } from '#components/connections/sync-progress.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Ask, Section } from '#components/ui/card.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { CarryList } from './carry-list.tsx';
import { EndingDialog } from './ending-dialog.tsx';

import { PushProgress } from './push-progress.tsx';
import { SettingsForm } from './settings-form.tsx';

type Page = Outputs['push']['page'];

/** Everything about writing a roster into one LMS. */
export function PushView({
  schoolId,
  connectionId,
  roles,
}: {
  schoolId: string;
  connectionId: string;
  roles: readonly SchoolRole[];
}) {
  const trpc = useTRPC();
  const t = useTranslations('push');
  const router = useRouter();
  const queryClient = useQueryClient();
  const { data: page } = useSuspenseQuery({
    ...trpc.push.page.queryOptions({ schoolId, connectionId }),
    refetchInterval: (query) => (isUnderWay(query.state.data?.runs[0]) ? 2_000 : false),
  });
  const base = `/school/${schoolId}/connections/${connectionId}`;
  const onChange = () => queryClient.invalidateQueries({ queryKey: trpc.push.pathKey() });
  const request = useMutation(
    trpc.push.request.mutationOptions({
      onSuccess: ({ pushRunId }) => router.push(`${base}/push/${pushRunId}`),
    }),
  );
  const [newest] = page.runs;
  const moving = isUnderWay(newest);
  const isEnding = newest?.ending != null && (moving || newest.state === 'held');
  const maySteer = roles.includes('school-administrator') || roles.includes('approver');
  const names = { sis: page.sis.name, lms: page.lms.name };
  return (
    <>
      <PageHeader
        above={
          <Link href={base} className="text-ink-2">
            {t('page.above')}
          </Link>
        }
        title={t('page.heading', names)}
        standing={
          page.lastReceivedAt === null
            ? t('page.never', names)
            : t.rich('page.last', { when: () => <RelativeTime at={page.lastReceivedAt ?? new Date(0)} /> })
        }
        action={
          page.mayChange &&
          page.settings !== null &&
          !isEnding &&
          newest?.state !== 'held' &&
          page.lmsCredential === 'ready' ? (
            <Button
              variant="primary"
              pending={request.isPending || moving}
              onClick={() => request.mutate({ schoolId, connectionId })}
            >
              {t(page.lastReceivedAt === null ? 'page.preview' : 'page.now')}
            </Button>
          ) : undefined
        }
      />
      <div className="grid gap-4">
        <ErrorNotice error={request.error} />
        {newest !== undefined && moving && <PushProgress run={newest} />}
        {newest?.state === 'held' && (
          <Ask
            action={
              <Button asChild variant="primary">
                <Link href={`${base}/push/${newest.pushRunId}`}>{t('page.look')}</Link>
              </Button>
            }
          >
            <strong className="block">{t('page.waits')}</strong>
            <span className="text-ink-2">{t('page.waitsBody', names)}</span>
          </Ask>
        )}
        {!page.isOffered && <Ask look="fail">{t('page.notOffered', names)}</Ask>}
        {page.isOffered && page.lmsCredential !== 'ready' && (
          <Ask
            look={page.lmsCredential === 'none' ? 'wait' : 'fail'}
            action={
              <Button asChild variant="primary">
                <Link href={`/school/${schoolId}/systems/${page.lms.id}`}>{t('page.openLms', names)}</Link>
              </Button>
            }
          >
            <strong className="block">{t('page.notPermitted', names)}</strong>
            <span className="text-ink-2">{t(`page.notPermittedBody.${page.lmsCredential}`, names)}</span>
          </Ask>
        )}
        {page.isOffered && page.settings === null && (
          <Ask>{t(page.mayChange ? 'page.choose' : 'page.chooseOther', names)}</Ask>
        )}
        {page.isOffered && (
          <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1.3fr)_minmax(0,1fr)]">
            <SettingsForm
              key={page.settings?.updatedAt.toISOString() ?? 'new'}
              schoolId={schoolId}
              connectionId={connectionId}
              page={page}
              onSaved={onChange}
            />
            <div className="grid gap-4">
              <CarryList lms={page.lms} carries={page.carries} />
              <Ledger base={base} page={page} />
            </div>
          </div>
        )}
        <Runs base={base} page={page} />
        {maySteer && !isEnding && page.settings !== null && (
          <EndingDialog schoolId={schoolId} connectionId={connectionId} lms={page.lms.name} onChosen={onChange} />
        )}
      </div>
    </>
  );
}

/** What is ours over there, in numbers. */
function Ledger({ base, page }: { base: string; page: Page }) {
  const t = useTranslations('push');
  const format = useFormatter();
  return (
    <Section title={t('ledger.title')}>
      {page.ledger.length === 0 ? (
        <p className="text-ink-2">{t('ledger.none', { lms: page.lms.name })}</p>
      ) : (
        <>
          <p className="mb-2 text-ink-2 text-sm">{t('ledger.hint')}</p>
          <table className="w-full text-sm">
            <caption className="sr-only">{t('ledger.title')}</caption>
            <thead>
              <tr className="text-left text-ink-2">
                <th scope="col" className="py-1 pr-2 font-normal">
                  {t('ledger.what')}
                </th>
                {(['made', 'adopted', 'suspended', 'gone'] as const).map((word) => (
                  <th key={word} scope="col" className="px-2 py-1 text-right font-normal">
                    {t(`ledger.${word}`)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {page.ledger.map((row) => (
                <tr key={row.entity} className="border-line border-t">
                  <th scope="row" className="py-1 pr-2 text-left font-normal">
                    <Link href={`${base}/push/ledger?of=${row.entity}`} className="inline-block min-h-6">
                      {t(`entity.${row.entity}`)}
                    </Link>
                  </th>
                  {([row.made, row.adopted, row.suspended, row.gone] as const).map((n, at) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: the columns keep their order
                    <td key={at} className="px-2 py-1 text-right tabular-nums">
                      {format.number(n)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </Section>
  );
}

function Runs({ base, page }: { base: string; page: Page }) {
  const t = useTranslations('push');
  const sync = useTranslations('sync');
  const format = useFormatter();
  const sum = (run: Page['runs'][number], word: string) =>
    run.counts.reduce((total, { of }) => total + (of[word] ?? 0), 0);
  return (
    <Section title={t('runs.title')}>
      {page.runs.length === 0 ? (
        <EmptyState title={t('runs.none')} />
      ) : (
        <ul className="grid gap-2">
          {page.runs.map((run) => (
            <li key={run.pushRunId} className="flex flex-wrap items-center gap-x-3 gap-y-1 border-line border-t pt-2">
              <Link href={`${base}/push/${run.pushRunId}`} className="inline-block min-h-6">
                <RelativeTime at={run.startedAt ?? run.createdAt} />
              </Link>
              <StateBadge look={lookOfRun(run.state)}>
                {run.state === 'held' ? t('held.badge') : sync(`state.${run.state}`)}
              </StateBadge>
              <span className="text-ink-2 text-sm">
                {t(run.ending === null ? `trigger.${run.trigger}` : `ending.${run.ending}.short`)} ·{' '}
                {t('runs.counts', { done: format.number(sum(run, 'done')), failed: sum(run, 'failed') })}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
