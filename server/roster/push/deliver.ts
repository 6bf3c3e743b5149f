import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { PushRowAction } from '#db/schema/vocabulary.ts';
import type { OpenPush } from '#server/connectors/open-connector.ts';
import type { AnyPushBatch, PushAction, PushBatch, PushEntity, PushOutcome } from '#server/connectors/push-contract.ts';
import type { Context } from '#server/kernel/context.ts';
import { isCrosswalkError, toCrosswalkError } from '#server/kernel/errors.ts';
import { readPushSettings } from './begin-push.ts';
import { type ChangeRow, changeOf, lacks, readChanges } from './changes.ts';
import { summed } from './decide.ts';
import { type HeldPush, holdPush } from './lease.ts';
import { noteFailure } from './note-failure.ts';
import { noteOutcomes, noteSent, noteUnsent } from './outcomes.ts';
import { countPush } from './plan.ts';
import type { PushPorts } from './ports.ts';
import type { PushAt } from './read-there.ts';

/** Where the delivery stands after a slice. */
export interface DeliverSlice {
  /** The stage to go on with; null when all is delivered. */
  readonly stage: number | null;
  readonly waitSeconds: number | null;
  /** Batches so far in this slice, so that the next step's name differs. */
  readonly batches: number;
}

interface Stage {
  readonly entity: PushEntity;
  readonly action: PushAction;
}

const sliceMs = 25_000;
/** Counting looks at every row of a push, so that of a large one it is not done at every batch; the end counts once more. */
const countEveryMs = 2_000;

/**
 * In which order changes go: adoptions first, since what stands there already is not made again; then what others stand in before what stands in it;
 * what is taken away the other way round. Pure.
 */
export function stagesOf(entities: readonly PushEntity[], manner: OpenPush['manner']): Stage[] {
  const stages = (of: readonly PushEntity[], ...actions: readonly PushAction[]) =>
    of.flatMap((entity) => actions.map((action) => ({ entity, action })));
  const adoptions = stages(entities, 'adopt');
  if (manner === 'package') return adoptions;
  return [
    ...adoptions,
    ...stages(entities, 'create', 'restore', 'update'),
    ...stages([...entities].reverse(), 'suspend', 'remove'),
  ];
}

/** Delivers batches for about 25 seconds; each is committed with what became of it before the next is sent. As the sync role. */
export async function deliverSlice(
  ctx: Context,
  ports: Pick<PushPorts, 'withPush'>,
  push: PushAt,
  from: { readonly stage: number },
): Promise<DeliverSlice> {
  const started = performance.now();
  let stage = from.stage;
  let batches = 0;
  let countedAt = Number.NEGATIVE_INFINITY;
  const isCountDue = () => {
    if (performance.now() - countedAt < countEveryMs) return false;
    countedAt = performance.now();
    return true;
  };
  try {
    return await ports.withPush(ctx, push, async (lms) => {
      const open = await openStages(ctx, push);
      const stages = stagesOf(lms.entities, lms.manner);
      const signIn = await signInOf(ctx, push);
      for (;;) {
        const next = stages[stage];
        if (next === undefined) return { stage: null, waitSeconds: null, batches };
        if (performance.now() - started > sliceMs) return { stage, waitSeconds: null, batches };
        if (!open.has(`${next.entity} ${next.action}`)) {
          stage += 1;
          continue;
        }
        const isThrough = await deliverBatch(ctx, push, lms, next, signIn, isCountDue);
        batches += 1;
        if (isThrough) stage += 1;
      }
    });
  } catch (error) {
    if (isCrosswalkError(error, 'foreign-throttled') && batches > 0) {
      return { stage, waitSeconds: error.retryAfterSeconds ?? 30, batches };
    }
    throw await noteFailure(ctx, push, toCrosswalkError(error));
  }
}

const openRows = z.array(z.object({ stage: z.string() }));

/** Stages that have anything left to send. */
async function openStages(ctx: Context, push: PushAt): Promise<ReadonlySet<string>> {
  const rows = openRows.parse(
    await ctx.database.withSchool(push.schoolId, (tx) =>
      tx.execute(sql`
        select distinct entity || ' ' || action as stage from push_row
         where school_id = ${push.schoolId}::uuid and push_run_id = ${push.pushRunId}::uuid and state in ('planned', 'sent')`),
    ),
  );
  return new Set(rows.map(({ stage }) => stage));
}

/** How people will sign in, as the school chose. */
export async function signInOf(ctx: Context, push: PushAt): Promise<string> {
  return (await ctx.database.withSchool(push.schoolId, (tx) => readPushSettings(tx, push))).signIn;
}

/** Sends the next batch of a stage. @returns whether the stage is through */
async function deliverBatch(
  ctx: Context,
  push: PushAt,
  lms: OpenPush,
  { entity, action }: Stage,
  signIn: string,
  isCountDue: () => boolean,
): Promise<boolean> {
  const inSchool = ctx.database.withSchool;
  const most = lms.batch[entity];
  const taken = await inSchool(push.schoolId, async (tx) => {
    await holdPush(tx, push, ctx.clock.now());
    const rows = await readChanges(tx, push, entity, nextRows(push, entity, action, most));
    const unsent: { key: string; problem: string }[] = [];
    const ready: ChangeRow[] = [];
    for (const row of rows) {
      const problem = lacks(entity, row);
      if (problem === null) ready.push(row);
      else unsent.push({ key: row.key, problem });
    }
    await noteUnsent(tx, push, entity, unsent);
    const keys = JSON.stringify(ready.map(({ key }) => key));
    const which = sql`r.entity = ${entity} and r.key in (select jsonb_array_elements_text(${keys}::jsonb))`;
    await noteSent(tx, push, which, ctx.clock.now());
    return { ready, isLast: rows.length < most };
  });
  if (taken.ready.length > 0) {
    const batch = batchOf(entity, action, taken.ready, signIn);
    const outcomes =
      lms.manner === 'batches' ? await lms.deliver(batch) : await lms.deliver({ ...batch, action: 'adopt' });
    await inSchool(push.schoolId, async (tx) => {
      await holdPush(tx, push, ctx.clock.now());
      await noteOutcomes(tx, push, entity, complete(taken.ready, outcomes), ctx.clock.now());
      if (isCountDue()) await noteCounts(ctx, tx, push, entity);
    });
  }
  return taken.isLast;
}

async function noteCounts(
  ctx: Context,
  tx: Parameters<typeof countPush>[0],
  push: HeldPush,
  entity: PushEntity,
): Promise<void> {
  const counts = await countPush(tx, push);
  const writes = counts.filter(({ action }) => !waits.some((word) => word === action));
  const sum = (rows: typeof counts) => rows.reduce((total, { n }) => total + n, 0);
  await holdPush(tx, push, ctx.clock.now(), {
    counts: summed(counts),
    progress: {
      entity,
      done: sum(writes.filter(({ state }) => state !== 'planned' && state !== 'sent')),
      total: sum(writes),
    },
  });
}

const waits = ['propose', 'ask', 'wait', 'leave', 'set-aside'] as const satisfies readonly PushRowAction[];

/** Rows of a stage that are to be sent, those that an earlier attempt sent and did not hear of first. */
const nextRows = (push: PushAt, entity: PushEntity, action: PushAction, most: number) => sql`
  select entity, key, 0 as ordinal, state, action, foreign_id, keeps_name from push_row
   where school_id = ${push.schoolId}::uuid and push_run_id = ${push.pushRunId}::uuid and entity = ${entity} and action = ${action} and state in ('planned', 'sent')
   order by state desc, key limit ${most}`;

function batchOf(entity: PushEntity, action: PushAction, rows: readonly ChangeRow[], signIn: string): AnyPushBatch {
  const mayHaveBeenSent = rows.some(({ was_sent }) => was_sent);
  const of = <E extends PushEntity>(one: E): PushBatch<E> => ({
    entity: one,
    action,
    changes: rows.map((row, at) => changeOf(one, { ...row, ordinal: at + 1 }, signIn)),
    mayHaveBeenSent,
  });
  switch (entity) {
    case 'term':
      return of(entity);
    case 'category':
      return of(entity);
    case 'course':
      return of(entity);
    case 'section':
      return of(entity);
    case 'cohort':
      return of(entity);
    case 'user':
      return of(entity);
    case 'enrolment':
      return of(entity);
    case 'membership':
      return of(entity);
  }
}

/** An outcome for each change that was sent, and for nothing else: what the LMS told nothing of may or may not be there. Pure. */
export function complete(rows: readonly Pick<ChangeRow, 'key'>[], outcomes: readonly PushOutcome[]): PushOutcome[] {
  const told = new Map(outcomes.map((outcome) => [outcome.key, outcome]));
  return rows.map(
    ({ key }) => told.get(key) ?? { key, outcome: 'unknown', foreignId: null, name: null, problem: null, details: {} },
  );
}
