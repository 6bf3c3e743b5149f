'use client';

import { useSuspenseQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import Link from 'next/link';
import { useFormatter, useTranslations } from 'next-intl';
import { ConnectionTable } from '#components/connections/connection-table.tsx';
import { useEdgeWords } from '#components/connections/edge-words.ts';
import { EndedConnections } from '#components/connections/ended-connections.tsx';
import { SchoolGraph } from '#components/connections/school-graph.tsx';
import { WaitingList } from '#components/connections/waiting-list.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Ask } from '#components/ui/card.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { FirstSteps } from './first-steps.tsx';
import { RecoveryNotice } from './recovery-notice.tsx';
import { EverythingStopped, StopEverything } from './stop-everything.tsx';

/** How a school's systems are connected, what waits for the reader, and the one switch. */
export function SchoolHome({ schoolId, roles }: { schoolId: string; roles: readonly SchoolRole[] }) {
  const trpc = useTRPC();
  const t = useTranslations('schoolHome');
  const format = useFormatter();
  const words = useEdgeWords(roles);
  const { data: progress } = useSuspenseQuery({
    ...trpc.sync.progress.queryOptions({ schoolId }),
    refetchInterval: (query) => (query.state.data?.some(({ run }) => isMoving(run?.state)) === true ? 2_000 : 15_000),
  });
  const syncing = progress.some(({ run }) => isMoving(run?.state));
  const { data: graph } = useSuspenseQuery({
    ...trpc.connections.schoolGraph.queryOptions({ schoolId }),
    // What Crosswalk brings to life by itself is shown when it lives; its run may not have begun when the page was opened.
    refetchInterval: (query) => (syncing || query.state.data?.edges.some(isComing) === true ? 3_000 : 15_000),
  });
  const { data: inbox } = useSuspenseQuery({
    ...trpc.connections.inbox.queryOptions({ schoolId }),
    refetchInterval: syncing ? 3_000 : 15_000,
  });

  const isAdministrator = roles.includes('school-administrator');
  const mayConnect = roles.some((role) => role !== 'signatory');
  const { summary, stopped } = graph;
  // What was paused by the switch is released by the switch; what waits by itself stands in the list.
  const waiting = inbox.items.filter(({ next }) => next !== 'release' && next !== 'resume');
  const elsewhere = Math.max(0, summary.waiting - inbox.items.length);
  const parts = [
    ...(summary.live > 0 ? [t('standing.live', { count: summary.live })] : []),
    ...(summary.failing > 0 ? [t('standing.failing', { count: summary.failing })] : []),
    ...(summary.paused > 0 ? [t('standing.paused', { count: summary.paused })] : []),
    ...(elsewhere > 0 && waiting.length === 0 ? [t('standing.others', { count: elsewhere })] : []),
  ];
  const allInSync = summary.live > 0 && summary.live === graph.edges.length && summary.waiting === 0;
  const standing = [
    stopped !== null ? t('standing.stopped') : null,
    waiting.length > 0 ? t('standing.waiting', { count: waiting.length }) : null,
    stopped !== null
      ? null
      : graph.edges.length === 0
        ? t(graph.ended.length === 0 ? 'standing.nothing' : 'standing.nothingNow')
        : allInSync
          ? t('standing.allInSync')
          : parts.length === 0
            ? null
            : `${sentence(format.list(parts))}.`,
    summary.lastReceivedAt === null ? null : t('standing.lastReceived', { when: words.ago(summary.lastReceivedAt) }),
  ].filter((part) => part !== null);
  const neverReceived = summary.lastReceivedAt === null && graph.ended.length === 0;
  return (
    <div className="grid gap-5">
      <div className="-mb-5" aria-live="polite">
        <PageHeader
          title={t('title')}
          standing={standing.join(' ')}
          action={
            mayConnect && (graph.systems.length > 0 || graph.agreementInForce) ? (
              <Button asChild>
                <Link href={`/school/${schoolId}/systems/new`}>
                  <Plus aria-hidden />
                  {t('connect')}
                </Link>
              </Button>
            ) : undefined
          }
        />
      </div>
      <RecoveryNotice schoolId={schoolId} />
      {stopped !== null && (
        <EverythingStopped
          schoolId={schoolId}
          by={stopped.by}
          when={words.ago(stopped.at)}
          mayRelease={isAdministrator}
        />
      )}
      {graph.school.trust !== 'trusted' && (
        <Ask look={graph.school.trust === 'refused' ? 'fail' : 'wait'}>
          <strong className="block">{t('trust.title')}</strong>
          <span className="text-ink-2">{t(`trust.${graph.school.trust}`)}</span>
        </Ask>
      )}
      {waiting.length > 0 && <WaitingList schoolId={schoolId} items={waiting} />}
      {neverReceived && (
        <FirstSteps
          schoolId={schoolId}
          agreement={graph.agreementInForce}
          system={graph.systems.some(({ kind }) => kind === 'sis')}
          mayConnect={mayConnect}
        />
      )}
      {(graph.systems.length > 0 || graph.agreementInForce) && (
        <SchoolGraph schoolId={schoolId} graph={graph} progress={progress} roles={roles} />
      )}
      {graph.edges.length > 0 && (
        <ConnectionTable schoolId={schoolId} edges={graph.edges} marketplace={graph.marketplace.name} roles={roles} />
      )}
      {graph.ended.length > 0 && (
        <EndedConnections schoolId={schoolId} edges={graph.ended} marketplace={graph.marketplace.name} />
      )}
      {isAdministrator && stopped === null && graph.edges.length > 0 && (
        <StopEverything
          schoolId={schoolId}
          running={
            graph.edges.filter(
              ({ state }) => state === 'approved' || state === 'connecting' || state === 'live' || state === 'failing',
            ).length
          }
        />
      )}
    </div>
  );
}

const isMoving = (state: string | undefined) => state === 'queued' || state === 'running';

const isComing = ({ cause }: { cause: string }) => cause === 'first-sync' || cause === 'sync-follows';

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
