import { and, desc, eq, inArray, isNull, ne, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { appUser, syncRun, system, systemReplacement, withheldPerson } from '#db/schema/index.ts';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { readConnections } from '#server/features/connections/read-connections.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { markOfLinks } from './links-mark.ts';
import { undoUntil } from './load-replacement.ts';

const countRows = z.array(z.object({ systemId: z.string(), collection: z.string(), here: z.coerce.number() }));
const linkRows = z.array(
  z.object({
    collection: z.enum(['people', 'groups']),
    found: z.enum(['number', 'source-id', 'proposed', 'by-hand']),
    state: z.enum(['confirmed', 'open', 'rejected']),
    n: z.coerce.number(),
  }),
);

/** How many of each kind are here, per system. */
async function countsOf(tx: Tx, schoolId: string, systems: readonly string[]) {
  const among = sql`array(select jsonb_array_elements_text(${JSON.stringify(systems)}::jsonb)::uuid)`;
  const from = (table: string, collection: string) => sql`
    select system_id as "systemId", ${sql.raw(collection)} as collection, count(*) as here from ${sql.raw(table)}
     where school_id = ${schoolId}::uuid and system_id = any(${among}) and gone_at is null group by 1, 2`;
  return countRows.parse(
    await tx.execute(sql`
      ${from('roster_person', `kind || 's'`)} union all ${from('roster_group', `case kind when 'class' then 'classes' else 'groups' end`)}
      union all ${from('roster_enrolment', `'enrolments'`)}`),
  );
}

/** Replacing a SIS: which systems could take its place, and the replacement that is under way, was switched or was the last. Counts alone. */
export const replacementPage = defineVerb({
  name: 'replacement.page',
  kind: 'query',
  access: [{ school: ['school-administrator', 'approver'] }],
  input: z.object({ schoolId: idSchema, systemId: idSchema }),
  run: async ({ ctx, tx, party, input }) => {
    const { schoolId, systemId } = input;
    const oldSystem = await systemInSchool(tx, schoolId, systemId);
    const [row] = await tx
      .select()
      .from(systemReplacement)
      .where(
        and(
          eq(systemReplacement.schoolId, schoolId),
          or(eq(systemReplacement.oldSystemId, systemId), eq(systemReplacement.newSystemId, systemId)),
          ne(systemReplacement.state, 'given-up'),
        ),
      )
      .orderBy(desc(systemReplacement.startedAt), desc(systemReplacement.id))
      .limit(1);
    const others = await tx
      .select({ id: system.id, name: system.name, connector: system.connector })
      .from(system)
      .where(
        and(eq(system.schoolId, schoolId), eq(system.kind, 'sis'), ne(system.id, systemId), isNull(system.removedAt)),
      )
      .orderBy(system.createdAt, system.id);
    const synced = await tx
      .selectDistinct({ id: syncRun.systemId })
      .from(syncRun)
      .where(and(eq(syncRun.schoolId, schoolId), eq(syncRun.state, 'succeeded')));
    const wasSynced = new Set(synced.map(({ id }) => id));
    const roles = new Set(party.memberships.map(({ role }) => role));
    const common = {
      system: { id: oldSystem.id, name: oldSystem.name, kind: oldSystem.kind },
      candidates: others.map((other) => ({ ...other, wasSynced: wasSynced.has(other.id) })),
      mayPrepare: roles.has('school-administrator'),
      mayDecide: roles.has('approver'),
    };
    if (row === undefined) return { ...common, replacement: null };

    const systems = await tx
      .select({ id: system.id, name: system.name })
      .from(system)
      .where(eq(system.schoolId, schoolId));
    const nameOf = (id: string | null) => systems.find((candidate) => candidate.id === id)?.name ?? '';
    const named = [row.startedBy, row.approvedBy, row.undoneBy].filter((id) => id !== null);
    const people = await tx
      .select({ id: appUser.id, name: appUser.name })
      .from(appUser)
      .where(inArray(appUser.id, named));
    const person = (id: string | null) => people.find((candidate) => candidate.id === id)?.name ?? null;
    const links = linkRows.parse(
      await tx.execute(sql`
        select collection, found, case when rejected then 'rejected' when confirmed then 'confirmed' else 'open' end as state, count(*) as n
          from replacement_link where school_id = ${schoolId}::uuid and replacement_id = ${row.id}::uuid group by 1, 2, 3 order by 1, 2, 3`),
    );
    const counts = await countsOf(tx, schoolId, [row.oldSystemId, row.newSystemId]);
    const mark = await markOfLinks(tx, row);
    const connections = await readConnections(tx, schoolId, ctx.clock.now());
    const edgesOf = (id: string) =>
      connections
        .filter(
          ({ producer, state }) =>
            producer.id === id && !['declined', 'withdrawn', 'lapsed', 'revoked', 'expired'].includes(state),
        )
        .map(({ connectionId, consumer, state, cause, turn, flows }) => ({
          connectionId,
          /** The name of an LMS; null for the marketplace and for apps. */
          consumer: { kind: consumer.kind, name: consumer.kind === 'lms' ? nameOf(consumer.id) : null },
          state,
          cause,
          turn,
          scopes: flows.map(({ scope }) => scope),
        }));
    const withheld = await tx
      .selectDistinct({ act: withheldPerson.act })
      .from(withheldPerson)
      .where(
        and(
          eq(withheldPerson.schoolId, schoolId),
          eq(withheldPerson.systemId, row.oldSystemId),
          isNull(withheldPerson.releasedAt),
          isNull(withheldPerson.number),
        ),
      );
    return {
      ...common,
      replacement: {
        id: row.id,
        state: row.state,
        old: { id: row.oldSystemId, name: nameOf(row.oldSystemId), connections: edgesOf(row.oldSystemId) },
        new: { id: row.newSystemId, name: nameOf(row.newSystemId), connections: edgesOf(row.newSystemId) },
        startedBy: person(row.startedBy),
        startedAt: row.startedAt,
        proposedAt: row.proposedAt,
        approvedBy: person(row.approvedBy),
        switchedAt: row.switchedAt,
        undoneBy: person(row.undoneBy),
        undoneAt: row.undoneAt,
        wantedAt: row.wantedAt,
        /** Why what was last wanted did not take place: an error's code. */
        failure: row.failedCode === null || row.failedAt === null ? null : { code: row.failedCode, at: row.failedAt },
        undoUntil: row.switchedAt === null ? null : undoUntil(row.switchedAt),
        mayBeUndone: row.state === 'switched' && row.switchedAt !== null && undoUntil(row.switchedAt) > ctx.clock.now(),
        counts,
        links,
        open: mark.open,
        confirmed: mark.confirmed,
        fingerprint: mark.fingerprint,
        /** Withheld in the old system and known by no number: nobody can find them in the new one but a person. */
        withheldWithoutNumber: withheld.length,
      },
    };
  },
});
