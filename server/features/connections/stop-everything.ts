import { and, eq, inArray, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { connection, school } from '#db/schema/index.ts';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb, type Work } from '#server/kernel/verb.ts';
import { advance, advanceIfAllowed } from './advance.ts';
import { type Locked, lockConnection, only } from './load-rows.ts';
import { discardQueuedRuns } from './purge-ungranted.ts';
import { peopleWithRole } from './recipients.ts';
import { readSituation } from './situation.ts';
import type { PausedBy } from './state-machine.ts';
import { schoolPaths } from './tell-whose-turn.ts';

const input = z.object({ schoolId: idSchema });
const access = [{ school: ['school-administrator'] }] as const;

async function lockSchool({ tx }: Work, schoolId: string) {
  return only(await tx.select().from(school).where(eq(school.id, schoolId)).for('no key update'));
}

/**
 * The one switch: nothing of the school is read or sent until it is released. What was paused before stays paused for
 * its own reason.
 * @throws CrosswalkError `state-forbids` where everything is stopped already
 */
export const stopEverything = defineVerb({
  name: 'connections.stop-everything',
  kind: 'command',
  access,
  input,
  async run(call) {
    const {
      ctx,
      tx,
      audit,
      input: { schoolId },
    } = call;
    const row = await lockSchool(call, schoolId);
    if (row.stoppedAt !== null) throw new CrosswalkError('state-forbids', { details: { state: 'stopped' } });
    await tx
      .update(school)
      .set({ stoppedAt: ctx.clock.now(), stoppedBy: userIdOf(ctx) })
      .where(eq(school.id, schoolId));
    const running = await tx
      .select({ id: connection.id })
      .from(connection)
      .where(
        and(
          eq(connection.schoolId, schoolId),
          isNull(connection.endedAt),
          inArray(connection.state, ['approved', 'connecting', 'live', 'failing']),
        ),
      )
      .orderBy(connection.producerSystemId, connection.id);
    for (const { id } of running) {
      const locked = await lockConnection(tx, schoolId, id);
      await advanceIfAllowed(call, locked, { type: 'pause', by: 'stop-everything' });
    }
    // After the connections, in the order of locks that everybody keeps.
    await discardQueuedRuns(call, schoolId, null);
    audit({
      action: 'school.stopped-everything',
      subjectKind: 'school',
      subjectId: schoolId,
      details: { connections: running.length },
    });
    const person = ctx.actor.kind === 'user' ? ctx.actor.name : '';
    for (const to of await peopleWithRole(tx, schoolId, ['school-administrator', 'approver'], null)) {
      await enqueueMail(call, {
        template: 'everything-stopped',
        to,
        schoolId,
        locale: to.locale,
        parameters: { school: row.name, person, url: `${ctx.baseUrl}${schoolPaths.home(schoolId)}` },
      });
    }
    return { paused: running.length };
  },
});

/**
 * Takes the stop back: each connection goes on where it stood, or stays paused for what hinders it besides.
 * @throws CrosswalkError `state-forbids` where nothing is stopped
 */
export const releaseEverything = defineVerb({
  name: 'connections.release-everything',
  kind: 'command',
  access,
  input,
  async run(call) {
    const {
      tx,
      audit,
      input: { schoolId },
    } = call;
    const row = await lockSchool(call, schoolId);
    if (row.stoppedAt === null) throw new CrosswalkError('state-forbids', { details: { state: 'not-stopped' } });
    await tx.update(school).set({ stoppedAt: null, stoppedBy: null }).where(eq(school.id, schoolId));
    audit({ action: 'school.released-everything', subjectKind: 'school', subjectId: schoolId, details: {} });
    return { resumed: await resumePausedBy(call, schoolId, 'stop-everything') };
  },
});

/** Resumes what was paused for one reason; what still may not go on is paused for the reason that is left. */
export async function resumePausedBy(
  work: Work,
  schoolId: string,
  by: 'stop-everything' | 'agreement-ended' | 'system-replaced',
): Promise<number> {
  const paused = await work.tx
    .select({ id: connection.id })
    .from(connection)
    .where(and(eq(connection.schoolId, schoolId), eq(connection.state, 'paused'), eq(connection.pausedBy, by)))
    .orderBy(connection.producerSystemId, connection.id);
  let resumed = 0;
  for (const { id } of paused) {
    const locked = await lockConnection(work.tx, schoolId, id);
    if ((await advanceIfAllowed(work, locked, { type: 'resume' })) !== null) resumed += 1;
    else {
      await advance(work, locked, { type: 'pause', by: await whatIsLeft(work, locked, by) });
    }
  }
  return resumed;
}

/** Why one may not go on although the reason of its pause is over. */
async function whatIsLeft({ tx }: Work, locked: Locked, over: PausedBy): Promise<PausedBy> {
  const { facts } = await readSituation(tx, locked);
  if (facts.stoppedBySchool) return 'stop-everything';
  if (facts.systemReplaced) return 'system-replaced';
  return over === 'agreement-ended' ? 'stop-everything' : 'agreement-ended';
}
