import { eq } from 'drizzle-orm';
import { pushSettings } from '#db/schema/index.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { pushedConnection } from './load-push.ts';
import { askForPush, mayBePushed } from './request-push.ts';
import { pushSettingsSchema } from './settings-rules.ts';

/**
 * How a roster is pushed. What comes next is looked at before it writes, since courses and accounts may come out otherwise; it is asked for at
 * once where the roster is here and the LMS lets Crosswalk write.
 * @throws CrosswalkError `not-found`, `push-not-offered`, `invalid-input`
 */
export const savePushSettings = defineVerb({
  name: 'push.save-settings',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: pushSettingsSchema.extend({ schoolId: idSchema, connectionId: idSchema }),
  run: async ({ input: { schoolId, connectionId, ...chosen }, party: _party, ...work }) => {
    const of = await pushedConnection(work.tx, schoolId, connectionId);
    if (!of.facts.signIn.some(({ id }) => id === chosen.signIn)) {
      throw new CrosswalkError('invalid-input', { details: { fields: ['signIn'] } });
    }
    const now = work.ctx.clock.now();
    const [before] = await work.tx.select().from(pushSettings).where(eq(pushSettings.connectionId, connectionId));
    // A threshold changes nothing of what is written.
    const rewrites =
      before === undefined ||
      (['courses', 'signIn', 'usernamePattern', 'emailHost', 'leavers'] as const).some(
        (name) => before[name] !== chosen[name],
      );
    const row = {
      ...chosen,
      holdNext: rewrites || before.holdNext,
      updatedBy: userIdOf(work.ctx),
      updatedAt: now,
    };
    await work.tx
      .insert(pushSettings)
      .values({ schoolId, connectionId, ...row })
      .onConflictDoUpdate({ target: pushSettings.connectionId, set: row });
    work.audit({
      action: 'push.settings-changed',
      subjectKind: 'connection',
      subjectId: connectionId,
      details: { ...chosen },
    });
    const isHere = of.connection.state !== 'approved' && of.connection.state !== 'paused';
    if (!rewrites || !isHere || !(await mayBePushed(work.tx, of))) return { pushRunId: null };
    const { pushRunId } = await askForPush(work, of, {
      trigger: of.connection.lastReceivedAt === null ? 'first' : 'hand',
      requestedBy: userIdOf(work.ctx),
    });
    return { pushRunId };
  },
});
