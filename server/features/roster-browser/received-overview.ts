import { and, asc, desc, eq, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { rosterSite, rosterTerm, syncRun, system } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';

const collections = ['subjects', 'streams', 'groups', 'classes', 'courses', 'sites', 'terms'] as const;

const countRows = z.array(
  z.object({
    systemId: z.string(),
    collection: z.enum(collections),
    here: z.coerce.number(),
    missing: z.coerce.number(),
    gone: z.coerce.number(),
  }),
);

/**
 * What is held of the school's systems: for each system how many records of each collection are here, missing and gone
 * and when the last sync succeeded; and the sites and terms to filter groups by.
 */
export const receivedOverview = defineVerb({
  name: 'data.overview',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema }),
  run: async ({ ctx, tx, input: { schoolId } }) => {
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
    return {
      systems: systems.flatMap((row) => {
        const own = counts.filter(({ systemId }) => systemId === row.id);
        const run = runOf.get(row.id);
        if (own.length === 0 && run === undefined) return [];
        return {
          ...row,
          counts: own.map(({ collection, here, missing, gone }) => ({ collection, here, missing, gone })),
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
