'use client';

import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { RefreshCw } from 'lucide-react';
import Link from 'next/link';
import { useFormatter, useTranslations } from 'next-intl';
import { useEffect, useEffectEvent, useRef } from 'react';
import { toast } from 'sonner';
import { useAuditWords } from '#components/school/audit-words.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Ask, Card, Section } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Facts } from '#components/ui/facts.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Day, RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { CallLog } from '../call-log.tsx';
import { useEdgeName } from '../connection-table.tsx';
import { CountWords } from '../count-words.tsx';
import { hrefOfNext, useEdgeWords } from '../edge-words.ts';
import { ClientSection } from '../lms-edge/client-section.tsx';
import { DirectSection } from '../lms-edge/direct-section.tsx';
import { RequestLog } from '../lms-edge/request-log.tsx';
import { useReleasedFieldWords } from '../released-field-words.ts';
import { RunTable } from '../run-table.tsx';
import { isOver, lookOfConnection } from '../state-look.ts';
import { isUnderWay, SyncProgress } from '../sync-progress.tsx';
import type { ConnectionPage } from './connection-page.ts';
import { DraftRequest } from './draft-request.tsx';
import { Steering } from './steering.tsx';

interface Which {
  readonly schoolId: string;
  readonly connectionId: string;
}

/** One connection whole: how it stands and why, what comes next, what flows, both sides' word, syncs, history and calls. */
export function ConnectionView({ schoolId, connectionId, roles }: Which & { roles: readonly SchoolRole[] }) {
  const trpc = useTRPC();
  const t = useTranslations('connectionPage');
  const queryClient = useQueryClient();
  const words = useEdgeWords(roles);
  const { data: progress } = useSuspenseQuery({
    ...trpc.sync.progress.queryOptions({ schoolId }),
    refetchInterval: (query) => (query.state.data?.some(({ run }) => isUnderWay(run)) === true ? 1_500 : 15_000),
  });
  const options = trpc.connections.page.queryOptions({ schoolId, connectionId });
  const { data } = useSuspenseQuery({ ...options, refetchInterval: 15_000 });
  const nameOf = useEdgeName(data.consumerName);
  const { edge } = data;
  const run = progress.find(({ systemId }) => systemId === edge.producer.id)?.run ?? null;
  const over = isOver(edge.state);
  const underWay = isUnderWay(run) && !over && edge.state !== 'paused';
  const onChange = () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: trpc.connections.pathKey() }),
      queryClient.invalidateQueries({ queryKey: trpc.sync.pathKey() }),
    ]);
  const told = useTellWhenDone(run, onChange);
  const maySync = roles.some((role) => role !== 'signatory') && (edge.state === 'live' || edge.state === 'failing');
  const sync = useMutation(
    trpc.sync.request.mutationOptions({
      onSuccess: async ({ joined }) => {
        await onChange();
        toast.success(t(joined ? 'syncJoined' : 'syncRequested'));
      },
    }),
  );
  const [draft] = data.requests.filter(({ state }) => state === 'draft');
  /** The card below says the cause then; once is enough. */
  const asks = draft === undefined && !isCalm(edge);
  const amendment = edge.openRequest?.state === 'requested' && edge.grantId !== null ? edge.openRequest : null;
  return (
    <>
      <PageHeader
        above={
          <Link href={`/school/${schoolId}`} className="text-ink-2">
            {t('above')}
          </Link>
        }
        title={nameOf(edge)}
        standing={
          <>
            <StateBadge look={lookOfConnection(edge.state, edge.cause, edge.turn)} className="mr-2">
              {words.state(edge)}
            </StateBadge>
            {asks ? '' : `${words.cause(edge)} `}
            {edge.state === 'live' && edge.lastReceivedAt !== null
              ? t.rich('received', { when: () => <RelativeTime key="when" at={edge.lastReceivedAt ?? edge.since} /> })
              : t.rich('since', { when: () => <RelativeTime key="when" at={edge.since} /> })}
          </>
        }
        action={
          maySync ? (
            <Button
              variant="primary"
              pending={sync.isPending || underWay}
              onClick={() => sync.mutate({ schoolId, systemId: edge.producer.id })}
            >
              {!sync.isPending && !underWay && <RefreshCw aria-hidden />}
              {t('syncNow')}
            </Button>
          ) : undefined
        }
      />
      <p className="sr-only" role="status">
        {words.state(edge)}. {told}
      </p>
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_340px]">
        <div className="grid gap-4">
          <ErrorNotice error={sync.error} />
          {underWay && run !== null && <SyncProgress run={run} />}
          {draft !== undefined && draft.draftedAs === 'school' && (
            <DraftRequest
              schoolId={schoolId}
              request={draft}
              isAsker={roles.includes('school-administrator')}
              onChange={onChange}
            />
          )}
          {amendment !== null && (
            <Ask
              action={
                <Button asChild>
                  <Link href={`/school/${schoolId}/requests/${amendment.id}`}>{t('waiting.open')}</Link>
                </Button>
              }
            >
              <strong className="block">{t('waiting.title')}</strong>
              <span className="text-ink-2">{t('waiting.body')}</span>
            </Ask>
          )}
          {draft === undefined && (
            <NextStep
              schoolId={schoolId}
              data={data}
              roles={roles}
              heldRunId={run?.state === 'held' ? run.syncRunId : null}
            />
          )}
          <Flows data={data} over={over} />
          {edge.way === 'pull' && !over && (
            <ClientSection
              schoolId={schoolId}
              connectionId={connectionId}
              data={data}
              maySteer={roles.some((role) => role === 'school-administrator' || role === 'technical-contact')}
              onChange={onChange}
            />
          )}
          {edge.way === 'push' && !over && edge.grantId !== null && (
            <Section title={t('push.title', { lms: edge.consumer.name })}>
              <p className="text-ink-2">{t('push.lead', { lms: edge.consumer.name })}</p>
              <Button asChild className="justify-self-start">
                <Link href={`/school/${schoolId}/connections/${connectionId}/push`}>{t('push.open')}</Link>
              </Button>
            </Section>
          )}
          {edge.way === 'direct' && !over && (
            <DirectSection
              schoolId={schoolId}
              data={data}
              mayLook={edge.grantId !== null && roles.some((role) => role !== 'signatory')}
              onChange={onChange}
            />
          )}
          {edge.way === 'pull' && (
            <RequestLog schoolId={schoolId} connectionId={connectionId} lms={edge.consumer.name} />
          )}
          <Section title={t('runs.title')}>
            <RunTable
              base={`/school/${schoolId}/connections/${connectionId}`}
              runs={data.runs}
              systemName={edge.producer.name}
            />
            {data.runs.length > 0 && (
              <Link href={`/school/${schoolId}/connections/${connectionId}/runs`} className="justify-self-start">
                {t('runs.all')}
              </Link>
            )}
          </Section>
          {roles.some((role) => role !== 'signatory') && (
            <CallLog
              schoolId={schoolId}
              systemId={edge.producer.id}
              systemName={edge.producer.name}
              marketplaceOnly={edge.consumer.kind === 'marketplace'}
            />
          )}
          <History history={data.history} />
        </div>
        <div className="grid gap-4">
          <Terms schoolId={schoolId} data={data} />
          <Consents data={data} />
          {!over && <Steering schoolId={schoolId} data={data} roles={roles} name={nameOf(edge)} onChange={onChange} />}
        </div>
      </div>
    </>
  );
}

/** Says once that a run has ended, and reads the page anew. */
function useTellWhenDone(run: Outputs['sync']['progress'][number]['run'], onDone: () => Promise<unknown>): string {
  const t = useTranslations('connectionPage.progress');
  const before = useRef<{ id: string; moving: boolean } | null>(null);
  const done = useEffectEvent(() => void onDone());
  const id = run?.syncRunId ?? null;
  const moving = isUnderWay(run);
  useEffect(() => {
    const last = before.current;
    before.current = id === null ? null : { id, moving };
    if (last !== null && last.id === id && last.moving && !moving) done();
  }, [id, moving]);
  if (run?.state === 'succeeded') return t('done');
  if (run?.state === 'failed') return t('failed');
  return run?.state === 'held' ? t('held') : '';
}

/** Whether nobody needs to do anything for it to go on, or it rests of its own. */
const isCalm = ({ turn, next }: ConnectionPage['edge']) =>
  turn === 'crosswalk' || turn === 'nobody' || next === 'nothing' || next === 'resume' || next === 'ask-again';

function NextStep({
  schoolId,
  data: { edge },
  roles,
  heldRunId,
}: {
  schoolId: string;
  data: ConnectionPage;
  roles: readonly SchoolRole[];
  heldRunId: string | null;
}) {
  const t = useTranslations('connectionPage.next');
  const words = useEdgeWords(roles);
  const next = words.next(edge);
  if (edge.next === 'nothing' || edge.next === 'resume' || edge.next === 'ask-again') return null;
  if (isCalm(edge)) {
    return (
      <Card>
        <p>{t('crosswalk', { next })}</p>
      </Card>
    );
  }
  const yours = words.isYours(edge.turn);
  const href =
    edge.next === 'review-sync' && heldRunId !== null
      ? `/school/${schoolId}/connections/${edge.connectionId}/runs/${heldRunId}`
      : hrefOfNext(schoolId, {
          next: edge.next,
          connectionId: edge.connectionId,
          systemId: edge.about.id,
          requestId: edge.openRequest?.id ?? null,
        });
  return (
    <Ask
      look={lookOfConnection(edge.state, edge.cause, edge.turn) === 'fail' ? 'fail' : 'wait'}
      action={
        yours || edge.next === 'review-sync' ? (
          <Button asChild variant={yours ? 'primary' : 'secondary'} className="h-auto whitespace-normal">
            <Link href={href}>{next}</Link>
          </Button>
        ) : undefined
      }
    >
      <strong className="block">
        {yours ? t('yours', { next }) : t('theirs', { who: words.turn(edge.turn), next })}
      </strong>
      <span className="text-ink-2">{words.cause(edge)}</span>
    </Ask>
  );
}

function Flows({ data: { edge }, over }: { data: ConnectionPage; over: boolean }) {
  const t = useTranslations('connectionPage.flows');
  const words = useTranslations('connections');
  return (
    <Section title={over ? t('ended') : edge.grantId === null ? t('would') : t('title')}>
      <ul>
        {edge.flows.map(({ scope, ...counted }) => (
          <li
            key={scope}
            className="flex flex-wrap justify-between gap-x-4 border-line border-t py-2 first:border-0 first:pt-0"
          >
            <span>
              <span className="inline-block font-semibold first-letter:uppercase">{words(`scope.${scope}`)}</span>
              <span className="block text-ink-2 text-sm">{words(`scopeDetail.${scope}`)}</span>
            </span>
            {!over && <CountWords of={counted} />}
          </li>
        ))}
      </ul>
      {edge.consumer.kind === 'marketplace' && (
        <p className="border-line border-t pt-3 text-ink-2 text-sm">{t('nobody')}</p>
      )}
    </Section>
  );
}

function Terms({ schoolId, data: { edge, grants, requests } }: { schoolId: string; data: ConnectionPage }) {
  const t = useTranslations('connectionPage.facts');
  const format = useFormatter();
  const granted = grants[0];
  const live = grants.find(({ endedAt }) => endedAt === null);
  const leftOut = useLeftOut();
  const decided = requests.find(({ state }) => state === 'approved');
  return (
    <Section title={t('title')}>
      <Facts
        items={[
          [
            t('producer'),
            <Link key="producer" href={`/school/${schoolId}/systems/${edge.producer.id}`}>
              {edge.producer.name}
            </Link>,
          ],
          [t('purpose'), <q key="purpose">{edge.purpose}</q>],
          [
            t(edge.endedAt === null ? 'until' : 'untilOver'),
            edge.endedAt === null ? (
              <span key="until">
                <Day on={edge.until} />
                {edge.grantId !== null && edge.daysLeft <= 90 && (
                  <span className="block text-sm text-wait">{t('daysLeft', { days: edge.daysLeft })}</span>
                )}
              </span>
            ) : (
              <RelativeTime key="ended" at={edge.endedAt} />
            ),
          ],
          [
            t('sites'),
            granted === undefined || granted.sites.length === 0
              ? t('allSites')
              : format.list(granted.sites.map(({ name }) => name)),
          ],
          [
            t(edge.consumer.kind === 'lms' ? 'lastSupplied' : 'lastReceived'),
            edge.lastReceivedAt === null ? t('never') : <RelativeTime key="received" at={edge.lastReceivedAt} />,
          ],
          [t('way'), edge.way === null ? null : t(`wayOf.${edge.way}`)],
          [t('leftOut'), live === undefined ? null : leftOut(live)],
          [t('records'), edge.records === null ? null : format.number(edge.records)],
          [t('preview'), decided === undefined ? null : decided.previewSkipped ? t('previewSkipped') : null],
        ]}
      />
    </Section>
  );
}

/** What of the grant's scopes the approver left out, in words; null where nothing is. */
function useLeftOut(): (grant: ConnectionPage['grants'][number]) => string | null {
  const t = useTranslations('connectionPage.facts');
  const format = useFormatter();
  const fieldWords = useReleasedFieldWords();
  return ({ rule, withoutFields }) => {
    const parts = [
      ...(withoutFields.length === 0 ? [] : [format.list(withoutFields.map((id) => fieldWords(id)?.words ?? id))]),
      ...(['streams', 'subjects', 'groups'] as const).flatMap((direction) =>
        rule[direction].length === 0 ? [] : [t(`only.${direction}`, { count: rule[direction].length })],
      ),
    ];
    return parts.length === 0 ? null : parts.join(' · ');
  };
}

function Consents({ data: { consents } }: { data: ConnectionPage }) {
  const t = useTranslations('connectionPage.consents');
  return (
    <Section title={t('title')}>
      {consents.length === 0 && <p className="text-ink-2">{t('none')}</p>}
      <ul className="grid gap-3">
        {consents.map((consent) => (
          <li key={`${consent.requestId}-${consent.side}-${consent.at.toISOString()}`}>
            <StateBadge look={consent.status === 'accepted' ? 'live' : 'rest'} className="whitespace-normal">
              {t(consent.status === 'accepted' ? 'agreed' : consent.status === 'declined' ? 'declined' : 'revoked', {
                organisation: consent.byOrganisationName,
              })}
            </StateBadge>
            <span className="block pl-[18px] text-ink-2 text-sm">
              {t(consent.side)}
              {' · '}
              {t.rich('by', {
                name: consent.byName,
                when: () => <RelativeTime key="when" at={consent.at} />,
                day: () => <Day key="day" on={consent.until} />,
              })}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** What the request's own entry of the same moment says already. */
const saidByRequest = new Set(['connection.send', 'connection.approve', 'connection.decline', 'connection.withdraw']);

function History({ history }: { history: ConnectionPage['history'] }) {
  const t = useTranslations('connectionPage.history');
  const words = useAuditWords();
  return (
    <Section title={t('title')}>
      {history.length === 0 && <p className="text-ink-2">{t('none')}</p>}
      <ol className="grid gap-1.5">
        {history
          .filter(({ action }) => !saidByRequest.has(action))
          .map((entry, index) => (
            <li
              // biome-ignore lint/suspicious/noArrayIndexKey: entries have no id here and only ever grow at the top
              key={`${history.length - index}-${entry.action}`}
              className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-4"
            >
              <span>
                <span className="font-semibold">{words.actor(entry.actorKind, entry.actorName, entry.action)}</span>{' '}
                {words.action(entry.action)}
              </span>
              <span className="text-ink-2 text-sm">
                <RelativeTime at={entry.at} />
              </span>
            </li>
          ))}
      </ol>
    </Section>
  );
}
