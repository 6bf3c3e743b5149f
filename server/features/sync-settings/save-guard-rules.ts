import { and, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { rosterSite } from '#db/schema/index.ts';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { readSettings, refuseProblems, writeSettings } from './read-settings.ts';
import { ownRules, problemsOfRules, typedRuleSchema } from './settings-rules.ts';

const words = (rules: readonly z.infer<typeof typedRuleSchema>[]) =>
  rules.map(
    ({ collection, site, kind, share, atLeast }) =>
      `${collection ?? 'all'} ${site ?? 'all'} ${kind} ${share} ${atLeast}`,
  );

/**
 * The school's own thresholds: those that say what the default says are dropped, so that an empty list is the way back.
 * @throws CrosswalkError `not-found`; `invalid-input` with `problems`, e.g. `0.share:share-range`
 */
export const saveGuardRules = defineVerb({
  name: 'sync-settings.save-guard-rules',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, systemId: idSchema, rules: z.array(typedRuleSchema).max(500) }),
  run: async (call) => {
    const { rules: typed, ...of } = call.input;
    const { tx } = call;
    const { kind } = await systemInSchool(tx, of.schoolId, of.systemId);
    const sites = await tx
      .select({ sourceId: rosterSite.sourceId })
      .from(rosterSite)
      .where(
        and(eq(rosterSite.schoolId, of.schoolId), eq(rosterSite.systemId, of.systemId), isNull(rosterSite.goneAt)),
      );
    const before = await readSettings(tx, of);
    // A rule for a site that has gone since may stay as it is.
    const known = new Set([
      ...sites.map(({ sourceId }) => sourceId),
      ...before.guardRules.flatMap(({ site }) => (site === null ? [] : [site])),
    ]);
    refuseProblems(problemsOfRules(typed, { kind, sites: known }));
    const guardRules = ownRules(typed);
    await writeSettings(call, of, { guardRules });
    call.audit({
      action: 'sync.thresholds-changed',
      subjectKind: 'system',
      subjectId: of.systemId,
      details: { rules: words(guardRules), before: words(before.guardRules) },
    });
    return { guardRules };
  },
});
