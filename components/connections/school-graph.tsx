'use client';

import Link from 'next/link';
import { useFormatter, useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import type { Outputs } from '#components/trpc/types.ts';
import { Day } from '#components/ui/relative-time.tsx';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { ConnectionGraph, type GraphEdge, type GraphNode } from './connection-graph.tsx';
import { type Edge, useEdgeWords } from './edge-words.ts';
import { useScopeWords } from './scope-words.tsx';
import { lookOfConnection } from './state-look.ts';

type Graph = Outputs['connections']['schoolGraph'];
type Progress = Outputs['sync']['progress'];

/** The school's own view of its graph: every system, each edge with its state, what flows and whose turn it is. */
export function SchoolGraph({
  schoolId,
  graph,
  progress,
  roles,
}: {
  schoolId: string;
  graph: Graph;
  progress: Progress;
  roles: readonly SchoolRole[];
}) {
  const t = useTranslations('schoolHome');
  const kinds = useTranslations('connections');
  const phases = useTranslations('sync.phase');
  const format = useFormatter();
  const scopeWords = useScopeWords();
  const words = useEdgeWords(roles);
  const base = `/school/${schoolId}`;
  const marketplace = graph.marketplace.name === '' ? t('graph.marketplaceUnnamed') : graph.marketplace.name;
  const mayConnect = roles.some((role) => role !== 'signatory');
  const mayAsk = roles.includes('school-administrator') && graph.agreementInForce;

  const runOf = (systemId: string) => progress.find((entry) => entry.systemId === systemId)?.run ?? null;
  const note = (edge: Edge): string => {
    const run = runOf(edge.producer.id);
    if (run?.state === 'queued' && edge.state !== 'paused') return t('progress.queued');
    if (run?.state === 'running' && edge.state !== 'paused') {
      return run.phase === 'fetch' || run.phase === null
        ? t('progress.fetch', { count: format.number(run.fetched) })
        : t('progress.other', { phase: phases(run.phase) });
    }
    if (edge.resumesAt !== null && edge.state === 'paused')
      return t('graph.resumes', { when: words.ago(edge.resumesAt) });
    const received =
      edge.lastReceivedAt !== null
        ? t('graph.received', { when: words.ago(edge.lastReceivedAt) })
        : edge.way === 'pull' && edge.state === 'live'
          ? t('graph.notAskedYet', { consumer: edge.consumer.name })
          : words.next(edge);
    const ends =
      edge.grantId !== null && edge.daysLeft <= 90 ? ` · ${t('graph.endedIn', { days: edge.daysLeft })}` : '';
    return received + ends;
  };
  const toEdge = (edge: Edge): GraphEdge => {
    const flows = scopeWords(edge.flows.map(({ scope }) => scope));
    const state = words.state(edge);
    return {
      id: edge.connectionId,
      look: lookOfConnection(edge.state, edge.cause, edge.turn),
      state,
      flows:
        edge.consumer.kind === 'marketplace'
          ? `${flows} · ${t('graph.noPeople')}`
          : t(edge.way === 'direct' ? 'graph.directly' : 'graph.across', {
              producer: edge.producer.name,
              consumer: edge.consumer.name,
              what: flows,
            }),
      note: note(edge),
      href:
        edge.openRequest?.state === 'requested' && edge.state === 'requested'
          ? `${base}/requests/${edge.openRequest.id}`
          : `${base}/connections/${edge.connectionId}`,
      label: t('graph.label', {
        consumer: edge.consumer.kind === 'marketplace' ? marketplace : edge.consumer.name,
        what: flows,
        producer: edge.producer.name,
        state,
      }),
    };
  };
  const withEdge = (system: Graph['systems'][number]) => {
    const edge = graph.edges.find(
      ({ consumer, producer }) => producer.id === system.id && consumer.kind === 'marketplace',
    );
    const node: GraphNode = {
      id: system.id,
      kind: kinds(`systemKind.${system.kind}`),
      name: system.name,
      detail: system.hosts.length === 0 ? t('graph.noAddress') : system.hosts.join(', '),
      href: `${base}/systems/${system.id}`,
    };
    const instead: ReactNode = (
      <span className="block px-2 py-2 text-center text-ink-2 text-sm">
        {t(system.isAskable ? 'graph.notConnected' : 'graph.neverAsked')}
        {mayAsk && system.isAskable && (
          <Link className="block text-accent" href={`${base}/requests/new?system=${system.id}`}>
            {t('graph.ask')}
          </Link>
        )}
      </span>
    );
    return { node, edge: edge === undefined ? null : toEdge(edge), instead };
  };
  const add = (kind: 'sis' | 'lms') =>
    mayConnect ? (
      <Link
        href={`${base}/systems/new?kind=${kind}`}
        className="block rounded-card border border-edge border-dashed px-3.5 py-3 no-underline hover:bg-sunken"
      >
        <span className="block text-ink-2 text-sm">{kinds(`systemKind.${kind}`)}</span>
        <span className="block font-bold text-accent">
          {t(kind === 'sis' ? 'graph.connectSis' : 'graph.connectLms')}
        </span>
        <span className="block text-ink-2 text-sm">
          {t(kind === 'sis' ? 'graph.connectSisHint' : 'graph.connectLmsHint')}
        </span>
      </Link>
    ) : undefined;
  return (
    <ConnectionGraph
      title={t('graph.title')}
      hub={{
        id: 'marketplace',
        kind: t('graph.marketplace'),
        name: marketplace,
        detail:
          graph.agreementEnds === null
            ? t('graph.noAgreement')
            : t.rich('graph.agreementTo', { day: () => <Day key="day" on={graph.agreementEnds ?? ''} /> }),
        href: `${base}/agreements`,
      }}
      producers={graph.systems.filter(({ kind }) => kind === 'sis').map(withEdge)}
      platforms={graph.systems.filter(({ kind }) => kind === 'lms').map(withEdge)}
      across={graph.edges.filter(({ consumer }) => consumer.kind === 'lms').map(toEdge)}
      addProducer={add('sis')}
      addPlatform={add('lms')}
    />
  );
}
