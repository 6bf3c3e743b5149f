import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';

/**
 * The id that a replaced row takes: made of the replacement and its own, so that the way back needs no note. A UUID of version 8 (RFC 9562 §5.8).
 */
export const retiredId = (replacementId: string | SQL, id: SQL): SQL =>
  sql`overlay(overlay(md5(${replacementId}::text || ${id}::text) placing '8' from 13 for 1) placing '8' from 17 for 1)::uuid`;

const found = z.array(z.object({ systemId: z.string(), personId: z.string() }));

/** The row that somebody has in a system which was replaced by this one, kept for the time of an undo; null where there is none. */
export async function retiredRowOf(
  tx: Tx,
  { schoolId, systemId, personId }: { schoolId: string; systemId: string; personId: string },
): Promise<{ systemId: string; personId: string } | null> {
  const [row] = found.parse(
    await tx.execute(sql`
      select x.old_system_id as "systemId", r.id as "personId" from system_replacement x
        join replacement_link l on l.school_id = x.school_id and l.replacement_id = x.id and l.old_id = ${personId}::uuid and l.confirmed and not l.rejected
        join roster_person r on r.school_id = x.school_id and r.system_id = x.old_system_id and r.id = ${retiredId(sql`x.id`, sql`l.old_id`)}
       where x.school_id = ${schoolId}::uuid and x.new_system_id = ${systemId}::uuid and x.state in ('switched', 'undoing')`),
  );
  return row ?? null;
}
