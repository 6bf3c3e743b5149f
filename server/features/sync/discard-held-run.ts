import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { syncRun } from '#db/schema/index.ts';
import { settleAfterDiscard } from '#server/features/connections/sync-outcome.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { lockHeldRun } from './load-run.ts';

/**
 * Says no to the diff that was shown: the roster stays as it is, what was staged is dropped by a job, and the next run looks anew.
 * @throws CrosswalkError `not-found`, `state-forbids`, `changed-meanwhile`
 */
export const discardHeldRun = defineVerb({
  name: 'sync.discard-held-run',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, syncRunId: idSchema, fingerprint: z.string().min(1) }),
  run: async (call) => {
    const { ctx, input, tx, audit, emit } = call;
    const { row, held } = await lockHeldRun(tx, input);
    const now = ctx.clock.now();
    await tx
      .update(syncRun)
      .set({ state: 'discarded', held: null, decidedBy: userIdOf(ctx), decidedAt: now, finishedAt: now })
      .where(eq(syncRun.id, row.id));
    audit({
      action: 'sync.held-run-discarded',
      subjectKind: 'sync-run',
      subjectId: row.id,
      details: {
        systemId: row.systemId,
        reasons: held.reasons.map(({ collection, kind, count }) => `${collection} ${kind} ${count}`),
      },
    });
    await settleAfterDiscard(call, input.schoolId, row.systemId);
    await emit('sync/requested', { schoolId: input.schoolId, systemId: row.systemId, syncRunId: row.id });
    return { syncRunId: row.id };
  },
});
