import { and, desc, eq, isNotNull, isNull, or } from 'drizzle-orm';
import { connection, grant } from '#db/schema/index.ts';
import type { Work } from '#server/kernel/verb.ts';
import { type DestructionReason, destroyCredentials, type Farewell } from './destroy-credentials.ts';
import { type CredentialRow, credentialsOf, type SystemRow } from './load-rows.ts';
import { pushesInto } from './pushed-into.ts';
import { withdrawLinks } from './system-links.ts';

const graceMilliseconds = 24 * 60 * 60 * 1000;

/**
 * Destroys what serves nobody (DESIGN.md §2, "Credentials"): at once after the last live connection's end, else after 24
 * hours without an approved connection. A connection is served by it that reads from the system or is pushed into it. The system's row is locked already.
 */
export async function sweepCredentials(work: Work, system: SystemRow): Promise<Farewell[]> {
  const { ctx, tx } = work;
  const held = await credentialsOf(tx, system.schoolId, system.id);
  const ofSystem = or(
    and(eq(connection.schoolId, system.schoolId), eq(connection.producerSystemId, system.id)),
    pushesInto(system),
  );
  const granted = await tx
    .select({ id: connection.id })
    .from(connection)
    .innerJoin(grant, and(eq(grant.connectionId, connection.id), isNull(grant.endedAt)))
    .where(and(ofSystem, isNull(connection.endedAt)))
    .limit(1);
  if (granted.length > 0) return [];
  const [last] = await tx
    .select({ at: grant.endedAt })
    .from(grant)
    .innerJoin(connection, eq(connection.id, grant.connectionId))
    .where(and(ofSystem, isNotNull(grant.endedAt)))
    .orderBy(desc(grant.endedAt))
    .limit(1);
  const lastEnd = last?.at ?? null;
  const reasonFor = (row: CredentialRow): DestructionReason | null => {
    if (lastEnd !== null && lastEnd >= row.createdAt) return 'last-connection-ended';
    return row.createdAt.getTime() <= ctx.clock.now().getTime() - graceMilliseconds ? 'no-approved-connection' : null;
  };
  const farewells: Farewell[] = [];
  for (const row of held) {
    const reason = reasonFor(row);
    if (reason !== null) farewells.push(...(await destroyCredentials(work, system, [row], reason)));
  }
  if (lastEnd !== null) await withdrawLinks(work, system.schoolId, system.id);
  return farewells;
}
