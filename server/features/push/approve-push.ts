import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { pushRun } from '#db/schema/index.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { lockHeldPush } from './load-push.ts';
import { settlePush } from './settle-push.ts';

/**
 * Says yes to exactly the plan that was shown. A job does of it what still holds by then; what has come up since waits for the next push.
 * @throws CrosswalkError `not-found`, `state-forbids`, `changed-meanwhile`
 */
export const approvePush = defineVerb({
  name: 'push.approve',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, pushRunId: idSchema, mark: z.string().min(1) }),
  run: async ({ input, party: _party, ...work }) => {
    const { schoolId, pushRunId, mark } = input;
    const { row, held } = await lockHeldPush(work.tx, schoolId, pushRunId);
    if (held.mark !== mark) throw new CrosswalkError('changed-meanwhile');
    await work.tx
      .update(pushRun)
      .set({ state: 'queued', held: null, approvedBy: userIdOf(work.ctx), approvedAt: work.ctx.clock.now() })
      .where(eq(pushRun.id, row.id));
    work.audit({
      action: 'push.approved',
      subjectKind: 'connection',
      subjectId: row.connectionId,
      details: {
        pushRunId,
        reasons: held.reasons.map(({ kind, entity, count }) => `${kind} ${entity ?? 'all'} ${count}`),
      },
    });
    await settlePush(work, { schoolId, connectionId: row.connectionId, approved: true });
    await work.emit('push/requested', { schoolId, systemId: row.systemId, pushRunId });
    return { pushRunId };
  },
});
