import { z } from 'zod';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { readSettings, writeSettings } from './read-settings.ts';
import { fullEvery, intervals } from './settings-rules.ts';

/** How often a system is asked, and how often whole. @throws CrosswalkError `not-found`, `invalid-input` */
export const saveSchedule = defineVerb({
  name: 'sync-settings.save-schedule',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({
    schoolId: idSchema,
    systemId: idSchema,
    intervalMinutes: z.union(intervals.map((minutes) => z.literal(minutes))),
    fullEveryHours: z.union(fullEvery.map((hours) => z.literal(hours))),
  }),
  run: async (call) => {
    const { intervalMinutes, fullEveryHours, ...of } = call.input;
    await systemInSchool(call.tx, of.schoolId, of.systemId);
    const before = await readSettings(call.tx, of);
    await writeSettings(call, of, { intervalMinutes, fullEveryHours });
    call.audit({
      action: 'sync.schedule-changed',
      subjectKind: 'system',
      subjectId: of.systemId,
      details: {
        intervalMinutes,
        fullEveryHours,
        intervalBefore: before.intervalMinutes,
        fullEveryBefore: before.fullEveryHours,
      },
    });
    return { intervalMinutes, fullEveryHours };
  },
});
