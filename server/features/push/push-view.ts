import { z } from 'zod';
import type { pushRun } from '#db/schema/index.ts';
import { type PushEntity, pushEntities } from '#server/connectors/push-contract.ts';
import { heldOf } from './load-push.ts';

const countsSchema = z.record(z.string(), z.record(z.string(), z.number()));
const progressSchema = z.object({
  entity: z.enum(pushEntities).nullable(),
  done: z.number().nullable(),
  total: z.number().nullable(),
});

/** What was planned of one entity, and what became of it. */
export interface PushEntityCounts {
  readonly entity: PushEntity;
  readonly of: Readonly<Record<string, number>>;
}

/** A push as a page shows it. */
export function viewOfPush(row: typeof pushRun.$inferSelect, now: Date) {
  const counts = countsSchema.safeParse(row.counts);
  const progress = progressSchema.safeParse(row.progress);
  // A running one that nobody works on any more is taken up again, and waits for that.
  const isAbandoned = row.state === 'running' && (row.leaseUntil === null || row.leaseUntil <= now);
  return {
    pushRunId: row.id,
    trigger: row.trigger,
    ending: row.ending,
    state: row.state,
    phase: row.phase,
    isAbandoned,
    counts: pushEntities.flatMap((entity): PushEntityCounts[] => {
      const of = counts.success ? counts.data[entity] : undefined;
      return of === undefined ? [] : [{ entity, of }];
    }),
    progress: row.state === 'running' && progress.success ? progress.data : null,
    held: heldOf(row),
    errorCode: row.errorCode,
    errorDetails: row.errorDetails,
    approvedAt: row.approvedAt,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
  };
}
