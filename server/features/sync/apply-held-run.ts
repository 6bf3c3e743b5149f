import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { syncRun } from '#db/schema/index.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { lockHeldRun } from './load-run.ts';
import { assertMayBeAsked } from './systems-with-grants.ts';

/**
 * Says yes to exactly the diff that was shown, or to what is new in it alone. What is staged is applied by a job; if the roster would change otherwise by then, the run
 * is held again.
 * @throws CrosswalkError `not-found`, `state-forbids`, `changed-meanwhile`, `grant-not-live`, `stopped-by-school`
 */
export const applyHeldRun = defineVerb({
  name: 'sync.apply-held-run',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({
    schoolId: idSchema,
    syncRunId: idSchema,
    fingerprint: z.string().min(1),
    /** `additions`: what is new or returns comes in; nothing changes and nothing goes. */
    as: z.enum(['all', 'additions']).default('all'),
  }),
  run: async ({ ctx, input, tx, audit, emit }) => {
    const { row, held } = await lockHeldRun(tx, input);
    const { schoolId } = input;
    const now = ctx.clock.now();
    await assertMayBeAsked(tx, { schoolId, systemId: row.systemId, now });
    const [queued] = await tx
      .select({ id: syncRun.id })
      .from(syncRun)
      .where(and(eq(syncRun.systemId, row.systemId), eq(syncRun.state, 'queued')))
      .limit(1);
    // A newer run waits already and will see newer data.
    if (queued !== undefined) throw new CrosswalkError('changed-meanwhile');
    await tx
      .update(syncRun)
      .set({
        state: 'queued',
        approvedFingerprint: held.fingerprint,
        appliedAs: input.as,
        decidedBy: userIdOf(ctx),
        decidedAt: now,
      })
      .where(eq(syncRun.id, row.id));
    audit({
      action: 'sync.held-run-applied',
      subjectKind: 'sync-run',
      subjectId: row.id,
      details: {
        systemId: row.systemId,
        as: input.as,
        reasons: held.reasons.map(({ collection, kind, count }) => `${collection} ${kind} ${count}`),
      },
    });
    await emit('sync/requested', { schoolId, systemId: row.systemId, syncRunId: row.id });
    return { syncRunId: row.id };
  },
});
