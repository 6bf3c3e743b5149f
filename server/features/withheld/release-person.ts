import { and, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { rosterFetch, withheldPerson } from '#db/schema/index.ts';
import { only } from '#server/features/connections/load-rows.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { requestRun } from '#server/roster/request-run.ts';
import { mayBeAsked } from './withhold.ts';

/**
 * Ends the withholding of somebody: the next full run brings him again, as far as grants allow, under a new Crosswalk id. A run is asked
 * for where the system may be asked now.
 * @throws CrosswalkError `not-found`, also where he was released already
 */
export const releasePerson = defineVerb({
  name: 'withheld.release',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, act: idSchema }),
  run: async ({ input, party: _party, ...work }) => {
    const { schoolId, act } = input;
    const { ctx, tx } = work;
    const { systemId } = only(
      await tx
        .update(withheldPerson)
        .set({ releasedBy: userIdOf(ctx), releasedAt: ctx.clock.now() })
        .where(
          and(eq(withheldPerson.schoolId, schoolId), eq(withheldPerson.act, act), isNull(withheldPerson.releasedAt)),
        )
        .returning({ systemId: withheldPerson.systemId }),
    );
    // Deltas would never tell of him: the next run is a full one.
    await tx
      .update(rosterFetch)
      .set({ modifiedUntil: null })
      .where(and(eq(rosterFetch.schoolId, schoolId), eq(rosterFetch.systemId, systemId)));
    const asked = (await mayBeAsked(work, { schoolId, systemId }))
      ? await requestRun(work, { schoolId, systemId, trigger: 'hand', requestedBy: userIdOf(ctx) })
      : null;
    work.audit({
      action: 'withheld.released',
      subjectKind: 'system',
      subjectId: systemId,
      details: { act, syncRunId: asked?.syncRunId ?? null },
    });
    return { syncRunId: asked?.syncRunId ?? null };
  },
});
