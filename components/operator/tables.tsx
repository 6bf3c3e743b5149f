'use client';

import Link from 'next/link';
import { useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import { lookOfConnection } from '#components/connections/state-look.ts';
import { TrustBadge } from '#components/schools/trust-badge.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { type Column, DataTable } from '#components/ui/data-table.tsx';
import { Day, RelativeTime } from '#components/ui/relative-time.tsx';
import { Chip, StateBadge, type StateLook } from '#components/ui/state-badge.tsx';

type ToCountersign = Outputs['agreements']['listToCountersign'][number];

export function CountersignTable({ rows, empty }: { rows: readonly ToCountersign[]; empty: ReactNode }) {
  const t = useTranslations('agreements.countersignList');
  const columns: Column<ToCountersign>[] = [
    {
      id: 'school',
      header: t('school'),
      cell: (row) => (
        <>
          <Link
            href={`/operator/schools/${row.schoolId}/agreements/${row.agreementId}`}
            className="break-words font-semibold"
          >
            {row.schoolName}
          </Link>
          {row.agentName !== null && <span className="block text-ink-2 text-sm">{row.agentName}</span>}
          {row.agentMayCountersign && <Chip>{t('agentMay')}</Chip>}
        </>
      ),
      sortBy: (row) => row.schoolName,
      searchIn: (row) => `${row.schoolName} ${row.agentName ?? ''}`,
    },
    { id: 'trust', header: t('trust'), cell: (row) => <TrustBadge trust={row.trust} />, sortBy: (row) => row.trust },
    {
      id: 'signed',
      header: t('signed'),
      cell: (row) => (
        <>
          {row.signedAt !== null && <RelativeTime at={row.signedAt} />}
          <span className="block text-ink-2 text-sm">
            {t('by', { name: row.signedName ?? '' })}
            {row.onPaper && `, ${t('paper')}`}
          </span>
        </>
      ),
      sortBy: (row) => row.signedAt?.getTime() ?? 0,
      wideOnly: true,
    },
    {
      id: 'term',
      header: t('term'),
      cell: (row) => (
        <>
          <Day on={row.termStart} /> – <Day on={row.termEnd} />
        </>
      ),
      sortBy: (row) => row.termEnd,
      wideOnly: true,
    },
  ];
  return (
    <DataTable rows={rows} columns={columns} rowId={(row) => row.agreementId} caption={t('title')} empty={empty} />
  );
}

type Agent = Outputs['organisations']['listAgents'][number];

const agentState = (agent: Agent): { look: StateLook; word: 'suspended' | 'waiting' | 'reviewed' } =>
  agent.suspendedAt !== null
    ? { look: 'fail', word: 'suspended' }
    : agent.reviewedAt === null
      ? { look: 'wait', word: 'waiting' }
      : { look: 'live', word: 'reviewed' };

export function AgentStateBadge({ agent }: { agent: Agent }) {
  const t = useTranslations('organisations.state');
  const { look, word } = agentState(agent);
  return <StateBadge look={look}>{t(word)}</StateBadge>;
}

export function AgentsTable({ rows, empty }: { rows: readonly Agent[]; empty: ReactNode }) {
  const t = useTranslations('organisations');
  const columns: Column<Agent>[] = [
    {
      id: 'name',
      header: t('agents.name'),
      cell: (row) => (
        <>
          <Link href={`/operator/agents/${row.agentId}`} className="break-words font-semibold">
            {row.name}
          </Link>{' '}
          {row.mayCountersign && <Chip>{t('mandate')}</Chip>}
        </>
      ),
      sortBy: (row) => row.name.toLowerCase(),
      searchIn: (row) => `${row.name} ${row.emailDomains.join(' ')}`,
    },
    {
      id: 'state',
      header: t('agents.state'),
      cell: (row) => <AgentStateBadge agent={row} />,
      sortBy: (row) => agentState(row).word,
    },
    {
      id: 'domains',
      header: t('agents.domains'),
      cell: (row) => <span className="break-all">{row.emailDomains.join(', ')}</span>,
      wideOnly: true,
    },
    ...(['schools', 'inForce', 'open', 'people'] as const).map((id): Column<Agent> => {
      const value = (row: Agent) =>
        ({ schools: row.schools, inForce: row.agreementsInForce, open: row.agreementsOpen, people: row.members })[id];
      return { id, header: t(`agents.${id}`), cell: value, sortBy: value, numeric: true, wideOnly: true };
    }),
  ];
  return (
    <DataTable rows={rows} columns={columns} rowId={(row) => row.agentId} caption={t('agents.caption')} empty={empty} />
  );
}

type Health = Outputs['operations']['connectionHealth'][number];

export function HealthTable({ rows, empty }: { rows: readonly Health[]; empty: ReactNode }) {
  const t = useTranslations('operations.health');
  const words = useTranslations('connections');
  const cause = (row: Health) => {
    const key = `cause.${row.cause ?? ''}`;
    return words.has(key) ? words(key, { system: row.systemKind === 'sis' ? 'SIS' : 'LMS' }) : '–';
  };
  const columns: Column<Health>[] = [
    {
      id: 'school',
      header: t('school'),
      cell: (row) => (
        <Link href={`/operator/schools/${row.schoolId}`} className="break-words font-semibold">
          {row.schoolName}
        </Link>
      ),
      sortBy: (row) => row.schoolName,
      searchIn: (row) => row.schoolName,
    },
    {
      id: 'edge',
      header: t('edge'),
      cell: (row) => `${row.connector} (${row.systemKind.toUpperCase()})`,
      sortBy: (row) => row.connector,
      wideOnly: true,
    },
    {
      id: 'state',
      header: t('state'),
      cell: (row) => (
        <>
          <StateBadge look={lookOfConnection(row.state, row.cause, row.turn)}>{words(`state.${row.state}`)}</StateBadge>
          <span className="block text-ink-2 text-sm md:hidden">{cause(row)}</span>
        </>
      ),
      sortBy: (row) => row.state,
    },
    { id: 'cause', header: t('cause'), cell: cause, wideOnly: true },
    {
      id: 'turn',
      header: t('turn'),
      cell: (row) => (row.turn === 'nobody' ? '–' : words(`turn.${row.turn}`)),
      wideOnly: true,
    },
    {
      id: 'number',
      header: t('number'),
      cell: (row) => row.connections,
      sortBy: (row) => row.connections,
      numeric: true,
      wideOnly: true,
    },
    {
      id: 'since',
      header: t('since'),
      cell: (row) => <RelativeTime at={row.since} />,
      sortBy: (row) => row.since.getTime(),
      wideOnly: true,
    },
    {
      id: 'received',
      header: t('received'),
      cell: (row) => (row.lastReceived === null ? t('never') : <RelativeTime at={row.lastReceived} />),
      sortBy: (row) => row.lastReceived?.getTime() ?? 0,
      wideOnly: true,
    },
  ];
  return (
    <DataTable
      rows={rows}
      columns={columns}
      rowId={(row) => [row.schoolId, row.connector, row.consumerKind, row.state, row.cause, row.turn].join(' ')}
      caption={t('caption')}
      empty={empty}
    />
  );
}

type Run = Outputs['operations']['listJobs'][number];

const runLooks: Readonly<Record<string, StateLook>> = {
  completed: 'live',
  succeeded: 'live',
  failed: 'fail',
  cancelled: 'rest',
};

export function JobsTable({ rows, empty }: { rows: readonly Run[]; empty: ReactNode }) {
  const t = useTranslations('operations.jobs');
  const errors = useTranslations('errors');
  const took = (row: Run) => {
    if (row.startedAt === null || row.endedAt === null) return null;
    return row.endedAt.getTime() - row.startedAt.getTime();
  };
  const columns: Column<Run>[] = [
    {
      id: 'function',
      header: t('function'),
      cell: (row) => <span className="font-semibold">{row.functionId}</span>,
      sortBy: (row) => row.functionId,
      searchIn: (row) => row.functionId,
    },
    {
      id: 'state',
      header: t('state'),
      cell: (row) => (
        <>
          <StateBadge look={runLooks[row.state] ?? 'wait'}>{t(`states.${row.state}`)}</StateBadge>
          {row.attempt > 0 && <span className="block text-ink-2 text-sm">{t('attempt', { n: row.attempt + 1 })}</span>}
        </>
      ),
      sortBy: (row) => row.state,
    },
    {
      id: 'began',
      header: t('began'),
      cell: (row) => <RelativeTime at={row.createdAt} />,
      sortBy: (row) => row.createdAt.getTime(),
    },
    {
      id: 'took',
      header: t('took'),
      cell: (row) => {
        const milliseconds = took(row);
        if (milliseconds === null) return '–';
        return milliseconds < 1000
          ? t('milliseconds', { n: milliseconds })
          : t('seconds', { n: Math.round(milliseconds / 100) / 10 });
      },
      sortBy: (row) => took(row) ?? 0,
      numeric: true,
      wideOnly: true,
    },
    {
      id: 'steps',
      header: t('steps'),
      cell: (row) => `${row.stepsDone}/${row.stepsDone + row.stepsOpen}`,
      numeric: true,
      wideOnly: true,
    },
    {
      id: 'error',
      header: t('error'),
      cell: (row) =>
        row.errorCode === null ? '' : errors.has(row.errorCode) ? errors.raw(row.errorCode) : row.errorCode,
      wideOnly: true,
    },
  ];
  return (
    <DataTable
      rows={rows}
      columns={columns}
      rowId={(row) => row.id}
      caption={t('caption')}
      empty={empty}
      pageSize={50}
    />
  );
}
