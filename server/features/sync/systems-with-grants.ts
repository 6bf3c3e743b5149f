import { and, eq, isNull } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { school, system } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { readAllowed } from '#server/roster/live-grants.ts';

/**
 * Proves that a system of this school may be asked now.
 * @throws CrosswalkError `not-found`, `stopped-by-school`, `grant-not-live`
 */
export async function assertMayBeAsked(
  tx: Tx,
  { schoolId, systemId, now }: { schoolId: string; systemId: string; now: Date },
): Promise<void> {
  const [row] = await tx
    .select({ stoppedAt: school.stoppedAt })
    .from(system)
    .innerJoin(school, eq(school.id, system.schoolId))
    .where(and(eq(system.id, systemId), eq(system.schoolId, schoolId), isNull(system.removedAt)));
  if (row === undefined) throw new CrosswalkError('not-found');
  if (row.stoppedAt !== null) throw new CrosswalkError('stopped-by-school');
  const { toFetch } = await readAllowed(tx, { schoolId, systemId, now });
  if (toFetch.length === 0) throw new CrosswalkError('grant-not-live');
}
