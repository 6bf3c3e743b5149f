'use client';

import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { useTRPC, useTRPCClient } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Select } from '#components/ui/input.tsx';
import { Skeleton } from '#components/ui/progress.tsx';

type Detail = Outputs['push']['run'];
type Row = Outputs['push']['rows']['rows'][number];

/** Rows of one entity that share what is done; null: those that were not written, or of which it is not known. */
interface Group {
  readonly entity: Detail['rows'][number]['entity'];
  readonly action: Detail['rows'][number]['action'] | null;
}

const idOf = ({ entity, action }: Group) => `${entity} ${action ?? 'not-written'}`;
const firstPage: string | null = null;
const ofPeople = ['user', 'enrolment', 'membership'];

/** The rows of a push, by what they are about and what is done; proposals are answered here, one by one or all. */
export function PushRows({
  schoolId,
  run,
  onChange,
}: {
  schoolId: string;
  run: Detail;
  onChange: () => Promise<unknown>;
}) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const t = useTranslations('push');
  const seen = run.rows.filter(({ entity }) => run.seesPeople || !ofPeople.includes(entity));
  const notWritten = seen.filter(({ state }) => state === 'failed' || state === 'unknown');
  const groups: readonly Group[] = [
    ...new Map(notWritten.map(({ entity }) => [entity, { entity, action: null }])).values(),
    ...new Map(seen.map(({ entity, action }) => [`${entity} ${action}`, { entity, action }])).values(),
  ];
  // What asks for an answer is shown first, then what was not written.
  const first = groups.find(({ action }) => action === 'propose' || action === 'ask') ?? groups[0];
  const [chosen, setChosen] = useState(first === undefined ? '' : idOf(first));
  const group = groups.find((one) => idOf(one) === chosen) ?? first;
  const entity = run.entities.find((one) => one === group?.entity);
  const action = actions.find((one) => one === group?.action);
  const which = {
    schoolId,
    pushRunId: run.pushRunId,
    entity: entity ?? 'term',
    ...(action === undefined ? { states: ['failed' as const, 'unknown' as const] } : { action }),
  };
  const query = useInfiniteQuery({
    queryKey: [...trpc.push.rows.queryKey(which), 'pages'],
    queryFn: ({ pageParam }) => client.push.rows.query({ ...which, after: pageParam ?? undefined }),
    initialPageParam: firstPage,
    getNextPageParam: (last) => last.next,
    enabled: entity !== undefined,
  });
  const answer = useMutation(trpc.push.answer.mutationOptions({ onSuccess: onChange }));
  if (entity === undefined) return null;
  const rows = query.data?.pages.flatMap((one) => one.rows) ?? [];
  const asks = run.mayDecide && run.state !== 'running' && run.state !== 'queued';
  const answers =
    action === 'propose' ? (['adopt', 'separate'] as const) : action === 'ask' ? (['remake'] as const) : [];
  const give = (word: (typeof answers)[number], keys?: string[]) =>
    answer.mutate({
      schoolId,
      pushRunId: run.pushRunId,
      entity,
      answer: word,
      ...(keys === undefined ? {} : { keys }),
    });
  return (
    <Section title={t('rows.title')}>
      <div className="grid gap-3">
        <Field label={t('rows.which')}>
          <Select value={chosen} onChange={(event) => setChosen(event.target.value)}>
            {groups.map((one) => (
              <option key={idOf(one)} value={idOf(one)}>
                {t(`entity.${one.entity}`)} · {t(`action.${one.action ?? 'failed'}`)}
              </option>
            ))}
          </Select>
        </Field>
        {answers.length > 0 && <p className="text-ink-2 text-sm">{t(`rows.hint.${action}`)}</p>}
        {asks && answers.length > 0 && (
          <div className="flex flex-wrap gap-2">
            {answers.map((word) => (
              <Button key={word} size="small" pending={answer.isPending} onClick={() => give(word)}>
                {t(`rows.all.${word}`)}
              </Button>
            ))}
          </div>
        )}
        <ErrorNotice error={query.error ?? answer.error} />
        {query.isPending ? (
          <Skeleton lines={5} />
        ) : (
          <ul className="grid gap-2">
            {rows.map((row) => (
              <li key={row.key} className="flex flex-wrap items-center gap-x-3 gap-y-1 border-line border-t pt-2">
                <span className="min-w-0 break-words font-semibold">{row.name ?? t('rows.unnamed')}</span>
                <Words row={row} />
                {asks &&
                  answers.map((word) => (
                    <Button
                      key={word}
                      size="small"
                      variant={row.answer === word ? 'primary' : 'secondary'}
                      aria-pressed={row.answer === word}
                      aria-label={`${t(`rows.answer.${word}`)}: ${row.name ?? row.key}`}
                      onClick={() => give(word, [row.key])}
                    >
                      {t(`rows.answer.${word}`)}
                    </Button>
                  ))}
              </li>
            ))}
          </ul>
        )}
        {query.hasNextPage && (
          <Button
            className="justify-self-start"
            pending={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            {t('rows.more')}
          </Button>
        )}
      </div>
    </Section>
  );
}

const actions = [
  'create',
  'update',
  'adopt',
  'suspend',
  'restore',
  'remove',
  'propose',
  'ask',
  'wait',
  'leave',
  'set-aside',
] as const;

/** Key, reason, what became of it. */
function Words({ row }: { row: Row }) {
  const t = useTranslations('push');
  const parts = [
    row.key,
    ...(row.foreignId === null ? [] : [t('rows.there', { id: row.foreignId })]),
    ...(row.reason === null ? [] : [t(`reason.${row.reason}`)]),
    ...(row.state === 'planned' ? [] : [t(`rows.state.${row.state}`)]),
    ...(row.problem === null ? [] : [t(`problem.${row.problem}`)]),
  ];
  return (
    <span className="min-w-0 basis-full break-words text-ink-2 text-sm sm:flex-1 sm:basis-0">{parts.join(' · ')}</span>
  );
}
