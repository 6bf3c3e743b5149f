'use client';

import Link from 'next/link';
import { useFormatter, useTranslations } from 'next-intl';
import { type Column, DataTable } from '#components/ui/data-table.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { type Edge, useEdgeWords } from './edge-words.ts';
import { ScopeChips } from './scope-words.tsx';
import { lookOfConnection } from './state-look.ts';

/** Every living connection in a row: state, whose turn, what flows, how much, how old. */
export function ConnectionTable({
  schoolId,
  edges,
  marketplace,
  roles,
}: {
  schoolId: string;
  edges: readonly Edge[];
  marketplace: string;
  roles: readonly SchoolRole[];
}) {
  const t = useTranslations('schoolHome.table');
  const states = useTranslations('connections.state');
  const format = useFormatter();
  const words = useEdgeWords(roles);
  const nameOf = useEdgeName(marketplace);
  const columns: Column<Edge>[] = [
    {
      id: 'connection',
      header: t('connection'),
      cell: (edge) => (
        <Link className="font-semibold" href={`/school/${schoolId}/connections/${edge.connectionId}`}>
          {nameOf(edge)}
        </Link>
      ),
      sortBy: nameOf,
      searchIn: nameOf,
    },
    {
      id: 'state',
      header: t('state'),
      cell: (edge) => (
        <StateBadge look={lookOfConnection(edge.state, edge.cause, edge.turn)}>{states(edge.state)}</StateBadge>
      ),
      sortBy: (edge) => states(edge.state),
    },
    {
      id: 'turn',
      header: t('turn'),
      cell: (edge) =>
        edge.turn === 'nobody'
          ? t('nobody')
          : words.isYours(edge.turn)
            ? t('yours', { next: lower(words.next(edge)) })
            : t('theirs', { who: upper(words.turn(edge.turn)), next: lower(words.next(edge)) }),
      wideOnly: true,
    },
    {
      id: 'flows',
      header: t('flows'),
      cell: (edge) => <ScopeChips of={edge.flows.map(({ scope }) => scope)} />,
      wideOnly: true,
    },
    {
      id: 'records',
      header: t('records'),
      cell: (edge) => (edge.records === null ? t('nobody') : format.number(edge.records)),
      sortBy: (edge) => edge.records ?? -1,
      numeric: true,
      wideOnly: true,
    },
    {
      id: 'received',
      header: t('lastReceived'),
      cell: (edge) => (edge.lastReceivedAt === null ? t('never') : <RelativeTime at={edge.lastReceivedAt} />),
      sortBy: (edge) => edge.lastReceivedAt?.getTime() ?? 0,
      wideOnly: true,
    },
  ];
  return <DataTable rows={edges} columns={columns} rowId={(edge) => edge.connectionId} caption={t('caption')} />;
}

/** "Schoolwijs receives from Registra", or "asks" while nothing was granted. */
export function useEdgeName(
  marketplace: string,
): (edge: Pick<Edge, 'consumer' | 'producer' | 'state' | 'grantId'>) => string {
  const t = useTranslations('schoolHome');
  return ({ consumer, producer, state }) =>
    t(state === 'draft' || state === 'requested' ? 'table.asks' : 'table.receives', {
      consumer:
        consumer.kind === 'marketplace'
          ? marketplace === ''
            ? t('graph.marketplaceUnnamed')
            : marketplace
          : consumer.name,
      producer: producer.name,
    });
}

const lower = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
const upper = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
