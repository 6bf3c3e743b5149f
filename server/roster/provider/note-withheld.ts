import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { connection, grant } from '#db/schema/index.ts';
import { readGrantView } from '#server/roster/grant-view.ts';
import { tombstoneCollections } from './deletions.ts';

/**
 * Notes, before a person is deleted because the school withholds him, which consumers could see him, his enrolments and his demographics: each
 * is told of it as of any deletion.
 */
export async function noteWithheld(
  tx: Tx,
  { schoolId, systemId, personId, now }: { schoolId: string; systemId: string; personId: string; now: Date },
): Promise<void> {
  const edges = await tx
    .select({
      connectionId: connection.id,
      scopes: grant.scopes,
      withoutFields: grant.withoutFields,
      sharingRule: grant.sharingRule,
    })
    .from(grant)
    .innerJoin(connection, eq(connection.id, grant.connectionId))
    .where(
      and(
        eq(grant.schoolId, schoolId),
        isNull(grant.endedAt),
        eq(connection.producerSystemId, systemId),
        isNull(connection.endedAt),
        inArray(connection.consumerKind, ['lms', 'app']),
      ),
    );
  const at = sql`${now.toISOString()}::timestamptz`;
  const person = sql`${personId}::uuid`;
  for (const { connectionId, ...given } of edges) {
    const view = await readGrantView(tx, { schoolId, systemId, ...given });
    const note = (collection: string, ids: ReturnType<typeof sql>) =>
      tx.execute(sql`
        insert into provider_tombstone (school_id, connection_id, collection, record_id, at)
        select ${schoolId}::uuid, ${connectionId}::uuid, ${collection}, told.id, ${at} from (${ids}) told
        on conflict (connection_id, collection, record_id) do update set at = excluded.at`);
    for (const kind of ['student', 'teacher', 'guardian'] as const) {
      await note(
        tombstoneCollections[kind],
        sql`select r.id from roster_person r where r.id = ${person} and ${view.peopleOfKind('r', kind)}`,
      );
    }
    await note(
      tombstoneCollections.enrollment,
      sql`select r.id from roster_enrolment r where r.person_id = ${person} and ${view.enrolments('r')}`,
    );
    await note(
      tombstoneCollections.demographics,
      sql`select r.person_id as id from roster_demographics r where r.person_id = ${person} and ${view.demographics('r')}`,
    );
  }
}
