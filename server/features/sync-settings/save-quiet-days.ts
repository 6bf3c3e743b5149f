import { z } from 'zod';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { refuseProblems, writeSettings } from './read-settings.ts';
import { blackoutSchema, problemsOfBlackouts } from './settings-rules.ts';

/**
 * The days on which nothing is synced by schedule, in the school's time zone; "sync now" works on them.
 * @throws CrosswalkError `not-found`; `invalid-input` with `problems`, e.g. `1.until:reversed`
 */
export const saveQuietDays = defineVerb({
  name: 'sync-settings.save-quiet-days',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, systemId: idSchema, blackouts: z.array(blackoutSchema).max(500) }),
  run: async (call) => {
    const { blackouts: typed, ...of } = call.input;
    await systemInSchool(call.tx, of.schoolId, of.systemId);
    refuseProblems(problemsOfBlackouts(typed));
    const blackouts = typed
      .map(({ from, until, label }) => ({ from, until, label: label.trim() }))
      .sort((a, b) => (a.from < b.from ? -1 : 1));
    await writeSettings(call, of, { blackouts });
    call.audit({
      action: 'sync.quiet-days-changed',
      subjectKind: 'system',
      subjectId: of.systemId,
      details: { periods: blackouts.map(({ from, until }) => `${from}/${until}`) },
    });
    return { blackouts };
  },
});
