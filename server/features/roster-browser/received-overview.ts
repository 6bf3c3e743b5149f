import { and, asc, desc, eq, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { rosterSite, rosterTerm, syncRun, system } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { countedUpTo } from './browse-records.ts';
import { seesPeople } from './who-sees-people.ts';

const collections = [
  'subjects',
  'streams',
  'groups',
  'classes',
  'teachers',
  'students',
  'guardians',
  'others',
  'enrolments',
  'courses',
  'sites',
  'terms',
] as const;

const countRows = z.array(
  z.object({
    systemId: z.string(),
    collection: z.enum(collections),
    here: z.coerce.number(),
    missing: z.coerce.number(),
    gone: z.coerce.number(),
  }),
);
const hereRows = z.array(z.object({ collection: z.enum(collections), here: z.coerce.number() }));
const kindNames = { student: 'students', teacher: 'teachers', guardian: 'guardians', other: 'others' } as const;

/**
 * How many people of each kind and how many enrolments of a system are here, up to ten thousand and one: a district has millions, and how
 * many there are stands in the newest sync.
 */
async function countPeople(tx: Tx, schoolId: string, systemId: string) {
  const most = countedUpTo + 1;
  const rows = hereRows.parse(
    await tx.execute(sql`
      ${sql.join(
        Object.entries(kindNames).map(
          ([kind, name]) => sql`
            select ${name}::text as collection, (select count(*) from (
              select 1 from roster_person where school_id = ${schoolId} and system_id = ${systemId} and kind = ${kind} and gone_at is null
               limit ${most}) as counted) as here`,
        ),
        sql` union all `,
      )}
      union all
      select 'enrolments', (select count(*) from (
        select 1 from roster_enrolment where school_id = ${schoolId} and system_id = ${systemId} and gone_at is null limit ${most}) as counted)`),
  );
  return rows
    .filter(({ here }) => here > 0)
    .map(({ collection, here }) => ({
      collection,
      here: Math.min(here, countedUpTo),
      more: here > countedUpTo,
      missing: 0,
      gone: 0,
    }));
}

/**
 * What is held of the school's systems: for each system how many records of each collection are here, missing and gone (of people only how
 * many are here, and of very many "more") and when the last sync succeeded; and the sites and terms to filter by.
 */
export const receivedOverview = defineVerb({
  name: 'data.overview',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema }),
  run: async ({ ctx, tx, party, input: { schoolId } }) => {
    const counts = countRows.parse(
      await tx.execute(sql`
        select system_id as "systemId", collection,
               count(*) filter (where gone_at is null) as here,
               count(*) filter (where gone_at is null and missed_fetches > 0) as missing,
               count(gone_at) as gone
          from (
            select system_id, 'subjects' as collection, gone_at, missed_fetches from roster_subject where school_id = ${schoolId}
            union all
            select system_id, 'streams', gone_at, missed_fetches from roster_stream where school_id = ${schoolId}
            union all
            select system_id, case kind when 'class' then 'classes' else 'groups' end, gone_at, missed_fetches
              from roster_group where school_id = ${schoolId}
            union all
            select system_id, 'courses', gone_at, missed_fetches from lms_course where school_id = ${schoolId}
            union all
            select system_id, 'sites', gone_at, missed_fetches from roster_site where school_id = ${schoolId}
            union all
            select system_id, 'terms', gone_at, missed_fetches from roster_term where school_id = ${schoolId}
          ) as received
         group by system_id, collection`),
    );
    const systems = await tx
      .select({ id: system.id, name: system.name, kind: system.kind, connector: system.connector })
      .from(system)
      .where(eq(system.schoolId, schoolId))
      .orderBy(asc(system.createdAt), asc(system.id));
    const runs = await tx
      .selectDistinctOn([syncRun.systemId], {
        id: syncRun.id,
        systemId: syncRun.systemId,
        finishedAt: syncRun.finishedAt,
        progress: syncRun.progress,
      })
      .from(syncRun)
      .where(and(eq(syncRun.schoolId, schoolId), eq(syncRun.state, 'succeeded')))
      .orderBy(asc(syncRun.systemId), desc(syncRun.finishedAt));
    const runOf = new Map(runs.map((run) => [run.systemId, run]));
    const sites = await tx
      .select({ systemId: rosterSite.systemId, sourceId: rosterSite.sourceId, name: rosterSite.name })
      .from(rosterSite)
      .where(and(eq(rosterSite.schoolId, schoolId), isNull(rosterSite.goneAt)))
      .orderBy(asc(rosterSite.name));
    const terms = await tx
      .select({
        systemId: rosterTerm.systemId,
        sourceId: rosterTerm.sourceId,
        name: rosterTerm.name,
        endsOn: rosterTerm.endsOn,
      })
      .from(rosterTerm)
      .where(and(eq(rosterTerm.schoolId, schoolId), isNull(rosterTerm.goneAt)))
      .orderBy(desc(rosterTerm.startsOn), asc(rosterTerm.name));
    const today = ctx.clock.now().toISOString().slice(0, 10);
    const people = new Map<string, Awaited<ReturnType<typeof countPeople>>>();
    for (const { id, kind } of systems) if (kind === 'sis') people.set(id, await countPeople(tx, schoolId, id));
    return {
      /** Whether this reader reads people by name, besides their number. */
      seesPeople: seesPeople(party),
      systems: systems.flatMap((row) => {
        const own = [
          ...counts
            .filter(({ systemId }) => systemId === row.id)
            .map(({ collection, here, missing, gone }) => ({ collection, here, more: false, missing, gone })),
          ...(people.get(row.id) ?? []),
        ];
        const run = runOf.get(row.id);
        if (own.length === 0 && run === undefined) return [];
        return {
          ...row,
          counts: own,
          lastReceivedAt: run?.finishedAt ?? null,
          /** Records that could not be read in the last run. */
          setAside: Object.values(run?.progress ?? {}).reduce((sum, facts) => sum + (facts.setAside ?? 0), 0),
        };
      }),
      sites,
      terms: terms.map(({ endsOn, ...term }) => ({ ...term, ended: endsOn <= today })),
    };
  },
});
