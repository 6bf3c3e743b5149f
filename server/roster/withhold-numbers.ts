import { type SQL, sql } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';

/**
 * Whoever is staged under a number that the school withholds is withheld under the id that the source gives him: somebody withheld before he
 * came, and one who comes back under another id. The number counts for the kind of person that it was given for. Sets; before the cut.
 * @param people the staged people
 */
export async function withholdByNumber(
  tx: Tx,
  { schoolId, systemId }: { schoolId: string; systemId: string },
  people: SQL,
): Promise<void> {
  await tx.execute(sql`
    insert into withheld_person (id, school_id, system_id, source_id, number, kind, act, name, reason, withheld_by, withheld_at)
    select distinct on (s.source_id) across.new_id(), w.school_id, w.system_id, s.source_id, w.number, w.kind, w.act, w.name, w.reason, w.withheld_by, w.withheld_at
      from ${people} s
      join withheld_person w on w.school_id = ${schoolId}::uuid and w.system_id = ${systemId}::uuid and w.released_at is null
       and w.number = s.identifier and (w.kind is null or strpos(chr(31) || coalesce(s.roles, ''), chr(31) || w.kind || '|') > 0)
     order by s.source_id, w.withheld_at
    on conflict (system_id, source_id) where released_at is null do nothing`);
}
