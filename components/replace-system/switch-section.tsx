'use client';

import { useMutation, useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useFormatter, useTranslations } from 'next-intl';
import { useEffect } from 'react';
import { toast } from 'sonner';
import { useScopeWords } from '#components/connections/scope-words.tsx';
import { lookOfConnection } from '#components/connections/state-look.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Ask, Section } from '#components/ui/card.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Progress } from '#components/ui/progress.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import { linksIn, type Replacement, recordsOf } from './side-by-side.tsx';

/** While a job is at work the page looks again by itself. */
const everyMs = 2_000;

type Edge = Replacement['old']['connections'][number];

/** What the switch changes and for whom; the switch itself; and afterwards the way back. */
export function SwitchSection({
  schoolId,
  page,
  replacement,
  onChange,
}: {
  schoolId: string;
  page: Outputs['replaceSystem']['page'];
  replacement: Replacement;
  onChange: () => Promise<unknown>;
}) {
  const of = { schoolId, page, replacement, onChange };
  if (isMoving(replacement)) return <Moving schoolId={schoolId} replacement={replacement} onChange={onChange} />;
  return replacement.state === 'switched' ? <Undo {...of} /> : <Switch {...of} />;
}

type MovingReplacement = Replacement & { readonly state: 'switching' | 'undoing' };

/** Whether a job is at work on it. */
export const isMoving = (replacement: Replacement): replacement is MovingReplacement =>
  replacement.state === 'switching' || replacement.state === 'undoing';

/** What an approver wanted and a job does: how long it has taken, and that the page may be left. */
function Moving({
  schoolId,
  replacement,
  onChange,
}: {
  schoolId: string;
  replacement: MovingReplacement;
  onChange: () => Promise<unknown>;
}) {
  const trpc = useTRPC();
  const t = useTranslations('replaceSystem.moving');
  const { state } = replacement;
  const names = { old: replacement.old.name, new: replacement.new.name };
  const { data } = useQuery({
    ...trpc.replaceSystem.standing.queryOptions({ schoolId, replacementId: replacement.id }),
    refetchInterval: everyMs,
  });
  const isOver = data !== undefined && data.state !== state;
  useEffect(() => {
    if (isOver) void onChange();
  }, [isOver, onChange]);
  const by = state === 'switching' ? replacement.approvedBy : replacement.undoneBy;
  return (
    <Section title={t(`${state}.title`, names)}>
      <div aria-live="polite" className="grid gap-3">
        <Progress value={null} label={t(`${state}.title`, names)} />
        <p className="max-w-prose">{t(`${state}.body`, names)}</p>
      </div>
      <p className="text-ink-2">
        {t.rich('wantedBy', {
          person: by ?? '',
          when: () => <RelativeTime at={replacement.wantedAt ?? new Date(0)} />,
        })}
      </p>
    </Section>
  );
}

/** Why what was last wanted did not take place. */
function Failure({ replacement, what }: { replacement: Replacement; what: 'switch' | 'undo' }) {
  const t = useTranslations('replaceSystem.failed');
  const errors = useTranslations('errors');
  const { failure } = replacement;
  if (failure === null) return null;
  return (
    <Ask look="fail">
      <p className="font-semibold">{t.rich(what, { when: () => <RelativeTime at={failure.at} /> })}</p>
      <p>{errors.has(failure.code) ? errors(failure.code) : errors('internal')}</p>
    </Ask>
  );
}

type Props = Parameters<typeof SwitchSection>[0];

function useConsumerName() {
  const t = useTranslations('connections.consumer');
  return ({ consumer }: Edge) => consumer.name ?? t(consumer.kind);
}

function Edges({ schoolId, edges }: { schoolId: string; edges: readonly Edge[] }) {
  const words = useTranslations('connections');
  const scopeWords = useScopeWords();
  const nameOf = useConsumerName();
  return (
    <ul className="mt-1 grid gap-1.5">
      {edges.map((edge) => (
        <li key={edge.connectionId} className="flex flex-wrap items-baseline gap-x-3">
          <Link href={`/school/${schoolId}/connections/${edge.connectionId}`} className="font-semibold">
            {nameOf(edge)}
          </Link>
          <StateBadge look={lookOfConnection(edge.state, edge.cause, edge.turn)}>
            {words(`state.${edge.state}`)}
          </StateBadge>
          <span className="text-ink-2 text-sm">{scopeWords(edge.scopes)}</span>
        </li>
      ))}
    </ul>
  );
}

function Switch({ schoolId, page, replacement, onChange }: Props) {
  const trpc = useTRPC();
  const t = useTranslations('replaceSystem.switch');
  const nameOf = useConsumerName();
  const names = { old: replacement.old.name, new: replacement.new.name };
  const confirmed = linksIn(replacement, 'confirmed');
  const oldRecords = recordsOf(replacement, replacement.old.id);
  const newRecords = recordsOf(replacement, replacement.new.id);
  const fed = (edges: readonly Edge[]) =>
    new Set(edges.filter(({ state }) => state === 'live' || state === 'connecting').map(nameOf));
  const fedByNew = fed(replacement.new.connections);
  const lacking = [...fed(replacement.old.connections)].filter((name) => !fedByNew.has(name));
  const doSwitch = useMutation(
    trpc.replaceSystem.switch.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(t('done'));
      },
    }),
  );
  return (
    <Section title={t('title')}>
      <Failure replacement={replacement} what="switch" />
      <ul className="grid max-w-prose list-disc gap-2 pl-5">
        <li>{t('people', { count: confirmed })}</li>
        <li>{t('gone', { count: Math.max(0, oldRecords - confirmed - replacement.open), ...names })}</li>
        <li>{t('new', { count: Math.max(0, newRecords - confirmed - replacement.open), ...names })}</li>
        <li>
          {replacement.old.connections.length === 0 ? t('noEdges', names) : t('edges', names)}
          <Edges schoolId={schoolId} edges={replacement.old.connections} />
        </li>
        <li>
          {replacement.new.connections.length === 0 ? t('noNewEdges', names) : t('newEdges', names)}
          <Edges schoolId={schoolId} edges={replacement.new.connections} />
        </li>
        <li>{t('syncs', names)}</li>
        <li>{t('undo')}</li>
        {oldRecords + newRecords > 200_000 && <li>{t('size')}</li>}
      </ul>
      {lacking.map((who) => (
        <Ask key={who}>{t('lacking', { who, ...names })}</Ask>
      ))}
      {replacement.open > 0 && <p className="font-semibold">{t('open', { count: replacement.open })}</p>}
      {page.mayDecide ? (
        <ConfirmDialog
          trigger={
            <Button variant="primary" className="justify-self-start" disabled={replacement.open > 0}>
              {t('button', names)}
            </Button>
          }
          title={t('confirmTitle', names)}
          description={t('confirmBody', { ...names, count: confirmed })}
          confirm={t('confirm')}
          onConfirm={() =>
            doSwitch.mutateAsync({
              schoolId,
              replacementId: replacement.id,
              fingerprint: replacement.fingerprint,
            })
          }
        >
          <ErrorNotice error={doSwitch.error} />
        </ConfirmDialog>
      ) : (
        <p className="text-ink-2">{t('waits')}</p>
      )}
    </Section>
  );
}

function Undo({ schoolId, page, replacement, onChange }: Props) {
  const trpc = useTRPC();
  const t = useTranslations('replaceSystem.undo');
  const format = useFormatter();
  const names = { old: replacement.old.name, new: replacement.new.name };
  const until =
    replacement.undoUntil === null
      ? ''
      : format.dateTime(replacement.undoUntil, { dateStyle: 'long', timeStyle: 'short' });
  const undo = useMutation(
    trpc.replaceSystem.undo.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(t('done', names));
      },
    }),
  );
  return (
    <Section title={t('title')}>
      <Failure replacement={replacement} what="undo" />
      <p className="text-ink-2">
        {t.rich('switchedBy', {
          person: replacement.approvedBy ?? '',
          when: () => <RelativeTime at={replacement.switchedAt ?? new Date(0)} />,
        })}
      </p>
      <p className="max-w-prose">{replacement.mayBeUndone ? t('body', { ...names, until }) : t('over', names)}</p>
      {replacement.mayBeUndone && page.mayDecide && (
        <ConfirmDialog
          trigger={
            <Button variant="danger" className="justify-self-start">
              {t('button')}
            </Button>
          }
          title={t('confirmTitle', names)}
          description={t('confirmBody', names)}
          confirm={t('confirm')}
          onConfirm={() => undo.mutateAsync({ schoolId, replacementId: replacement.id })}
        >
          <ErrorNotice error={undo.error} />
        </ConfirmDialog>
      )}
    </Section>
  );
}
