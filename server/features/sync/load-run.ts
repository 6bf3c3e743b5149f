import { and, eq } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { syncRun } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { type HeldPlan, heldPlanSchema } from '#server/roster/guard.ts';

/** A run of this school. @throws CrosswalkError `not-found` */
export async function getRunInSchool(tx: Tx, schoolId: string, syncRunId: string) {
  const [row] = await tx
    .select()
    .from(syncRun)
    .where(and(eq(syncRun.schoolId, schoolId), eq(syncRun.id, syncRunId)));
  if (row === undefined) throw new CrosswalkError('not-found');
  return row;
}

/** A held run, locked, whose diff is the one that was shown. @throws CrosswalkError `not-found`, `state-forbids`, `changed-meanwhile` */
export async function lockHeldRun(
  tx: Tx,
  { schoolId, syncRunId, fingerprint }: { schoolId: string; syncRunId: string; fingerprint: string },
) {
  const [row] = await tx
    .select()
    .from(syncRun)
    .where(and(eq(syncRun.schoolId, schoolId), eq(syncRun.id, syncRunId)))
    .for('update');
  if (row === undefined) throw new CrosswalkError('not-found');
  const held = heldOf(row);
  if (row.state !== 'held' || held === null)
    throw new CrosswalkError('state-forbids', { details: { state: row.state } });
  if (held.fingerprint !== fingerprint) throw new CrosswalkError('changed-meanwhile');
  return { row, held };
}

/** Why a run is held, and the diff; null where it is not. */
export function heldOf(row: { readonly state: string; readonly held: unknown }): HeldPlan | null {
  const parsed = heldPlanSchema.safeParse(row.held);
  return row.state === 'held' && parsed.success ? parsed.data : null;
}
