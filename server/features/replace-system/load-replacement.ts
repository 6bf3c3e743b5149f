import { and, eq } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { systemReplacement } from '#db/schema/index.ts';
import { lockSystemEvenRemoved } from '#server/features/connections/load-rows.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

export type ReplacementRow = typeof systemReplacement.$inferSelect;
export const linkedCollections = ['people', 'groups'] as const;
export type LinkedCollection = (typeof linkedCollections)[number];

/** Days in which the switch can be taken back. */
export const undoDays = 30;
export const undoUntil = (switchedAt: Date) => new Date(switchedAt.getTime() + undoDays * 86_400_000);

/** A replacement of this school. @throws CrosswalkError `not-found` */
export async function replacementInSchool(tx: Tx, schoolId: string, replacementId: string): Promise<ReplacementRow> {
  const [row] = await tx
    .select()
    .from(systemReplacement)
    .where(and(eq(systemReplacement.schoolId, schoolId), eq(systemReplacement.id, replacementId)));
  if (row === undefined) throw new CrosswalkError('not-found');
  return row;
}

/**
 * A replacement with both systems locked, in the one order of locks, in the state named.
 * @throws CrosswalkError `not-found`, `state-forbids`
 */
export async function lockReplacement(
  tx: Tx,
  { schoolId, replacementId }: { schoolId: string; replacementId: string },
  state: ReplacementRow['state'],
): Promise<ReplacementRow> {
  const row = await lockReplacementInAnyState(tx, { schoolId, replacementId });
  if (row.state !== state) throw new CrosswalkError('state-forbids', { details: { state: row.state } });
  return row;
}

/** The same in whatever state it is. @throws CrosswalkError `not-found` */
export async function lockReplacementInAnyState(
  tx: Tx,
  { schoolId, replacementId }: { schoolId: string; replacementId: string },
): Promise<ReplacementRow> {
  const { oldSystemId, newSystemId } = await replacementInSchool(tx, schoolId, replacementId);
  for (const systemId of [oldSystemId, newSystemId].toSorted()) await lockSystemEvenRemoved(tx, schoolId, systemId);
  const [row] = await tx
    .select()
    .from(systemReplacement)
    .where(and(eq(systemReplacement.schoolId, schoolId), eq(systemReplacement.id, replacementId)))
    .for('no key update');
  if (row === undefined) throw new CrosswalkError('not-found');
  return row;
}
