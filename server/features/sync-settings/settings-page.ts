import { and, asc, desc, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { appUser, rosterSite, rosterTerm, syncRun } from '#db/schema/index.ts';
import { schoolRow, systemInSchool } from '#server/features/connections/load-rows.ts';
import { assertMayServe } from '#server/features/systems/system-party.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { localDate } from '#server/kernel/local-date.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { defaultRules } from '#server/roster/guard.ts';
import { readSettings } from './read-settings.ts';
import { breaksBetween } from './settings-rules.ts';

/** How a system is synced: rhythm, days without, thresholds; and what they can be chosen from. */
export const settingsPage = defineVerb({
  name: 'sync-settings.page',
  kind: 'query',
  access: [{ school: ['school-administrator', 'technical-contact'] }],
  input: z.object({ schoolId: idSchema, systemId: idSchema }),
  run: async ({ ctx, tx, party, input }) => {
    const { schoolId, systemId } = input;
    const system = await systemInSchool(tx, schoolId, systemId);
    assertMayServe(ctx, party, systemId);
    const { timeZone } = await schoolRow(tx, schoolId);
    const settings = await readSettings(tx, input);
    const sites = await tx
      .select({ sourceId: rosterSite.sourceId, name: rosterSite.name })
      .from(rosterSite)
      .where(and(eq(rosterSite.schoolId, schoolId), eq(rosterSite.systemId, systemId), isNull(rosterSite.goneAt)))
      .orderBy(asc(rosterSite.name), asc(rosterSite.sourceId));
    const terms = await tx
      .select({
        name: rosterTerm.name,
        kind: rosterTerm.kind,
        startsOn: rosterTerm.startsOn,
        endsOn: rosterTerm.endsOn,
      })
      .from(rosterTerm)
      .where(and(eq(rosterTerm.schoolId, schoolId), eq(rosterTerm.systemId, systemId), isNull(rosterTerm.goneAt)));
    const [changer] =
      settings.updatedBy === null
        ? []
        : await tx.select({ name: appUser.name }).from(appUser).where(eq(appUser.id, settings.updatedBy));
    const [last] = await tx
      .select({ at: syncRun.createdAt })
      .from(syncRun)
      .where(and(eq(syncRun.schoolId, schoolId), eq(syncRun.systemId, systemId)))
      .orderBy(desc(syncRun.createdAt))
      .limit(1);
    return {
      system: { id: system.id, name: system.name, kind: system.kind, connector: system.connector },
      timeZone,
      today: localDate(ctx.clock.now(), timeZone),
      settings: { ...settings, updatedBy: changer?.name ?? null },
      defaultRules,
      sites,
      termBreaks: breaksBetween(terms, localDate(ctx.clock.now(), timeZone)),
      lastAskedAt: last?.at ?? null,
      mayChange: party.memberships.some(({ role }) => role === 'school-administrator'),
    };
  },
});
