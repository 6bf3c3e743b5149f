import { eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { pushRun } from '#db/schema/index.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { lockHeldPush } from './load-push.ts';
import { settlePush } from './settle-push.ts';

/** Says no to a plan: nothing of it is written. The next one is looked at too, where this one was the first. */
export const discardPush = defineVerb({
  name: 'push.discard',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, pushRunId: idSchema }),
  run: async ({ input: { schoolId, pushRunId }, party: _party, ...work }) => {
    const { row } = await lockHeldPush(work.tx, schoolId, pushRunId);
    await work.tx
      .update(pushRun)
      .set({ state: 'discarded', approvedBy: userIdOf(work.ctx), finishedAt: work.ctx.clock.now() })
      .where(eq(pushRun.id, row.id));
    await work.tx.execute(sql`select across.close_push_staging(${row.id}::uuid)`);
    work.audit({
      action: 'push.discarded',
      subjectKind: 'connection',
      subjectId: row.connectionId,
      details: { pushRunId },
    });
    await settlePush(work, { schoolId, connectionId: row.connectionId, approved: false });
    return { pushRunId };
  },
});
