import { and, eq, gt, inArray } from 'drizzle-orm';
import { z } from 'zod';
import { syncRun, systemReplacement } from '#db/schema/index.ts';
import { approverReach } from '#server/features/connections/approver-limits.ts';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import type { Party } from '#server/kernel/access.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb, type Work } from '#server/kernel/verb.ts';
import { markOfLinks } from './links-mark.ts';
import { lockReplacement, type ReplacementRow, undoUntil } from './load-replacement.ts';

/** The whole of both systems is decided on. @throws CrosswalkError `approver-limited` */
function assertReachesBoth(party: Party, { oldSystemId, newSystemId }: ReplacementRow): void {
  for (const systemId of [oldSystemId, newSystemId]) {
    if (approverReach(party, systemId).kind !== 'all') {
      throw new CrosswalkError('approver-limited', { details: { limit: 'site' } });
    }
  }
}

function userOf(work: Work): string {
  const userId = userIdOf(work.ctx);
  if (userId === null) throw new CrosswalkError('forbidden');
  return userId;
}

/** No run of either system is at work. @throws CrosswalkError `sync-under-way` */
async function assertNoRun({ ctx, tx }: Work, { schoolId, oldSystemId, newSystemId }: ReplacementRow): Promise<void> {
  const [running] = await tx
    .select({ id: syncRun.id })
    .from(syncRun)
    .where(
      and(
        eq(syncRun.schoolId, schoolId),
        inArray(syncRun.systemId, [oldSystemId, newSystemId]),
        eq(syncRun.state, 'running'),
        gt(syncRun.leaseUntil, ctx.clock.now()),
      ),
    )
    .limit(1);
  if (running !== undefined) throw new CrosswalkError('sync-under-way');
}

/** Writes down what is wanted, and has a job do it (server/features/replace-system/carry-out.ts). */
async function want(
  work: Work,
  row: ReplacementRow,
  columns: Pick<Partial<ReplacementRow>, 'approvedBy' | 'undoneBy'> & Pick<ReplacementRow, 'state'>,
): Promise<void> {
  await work.tx
    .update(systemReplacement)
    .set({ ...columns, wantedAt: work.ctx.clock.now(), failedCode: null, failedAt: null })
    .where(eq(systemReplacement.id, row.id));
  await work.emit('replacement/wanted', { schoolId: row.schoolId, replacementId: row.id });
}

/**
 * The approver's yes: a job puts the new system in the old one's place, in one transaction. Until then nothing has changed but that no run of
 * either system begins.
 * @throws CrosswalkError `not-found`, `approver-limited`, `state-forbids`; `links-unreviewed`; `changed-meanwhile` where other links are confirmed
 *   than were shown; `sync-under-way`
 */
export const switchSystem = defineVerb({
  name: 'replacement.switch',
  kind: 'command',
  access: [{ school: ['approver'] }],
  input: z.object({ schoolId: idSchema, replacementId: idSchema, fingerprint: z.string().max(200) }),
  run: async ({ input, party, ...work }) => {
    const { tx } = work;
    const { schoolId } = input;
    const userId = userOf(work);
    const row = await lockReplacement(tx, input, 'reviewing');
    assertReachesBoth(party, row);
    const links = await markOfLinks(tx, row);
    if (links.open > 0) throw new CrosswalkError('links-unreviewed', { details: { links: links.open } });
    if (links.fingerprint !== input.fingerprint) throw new CrosswalkError('changed-meanwhile');
    await systemInSchool(tx, schoolId, row.oldSystemId);
    await systemInSchool(tx, schoolId, row.newSystemId);
    await assertNoRun(work, row);
    await want(work, row, { state: 'switching', approvedBy: userId });
    work.audit({
      action: 'replacement.approved',
      subjectKind: 'system',
      subjectId: row.oldSystemId,
      details: { replacementId: row.id, newSystemId: row.newSystemId, links: links.confirmed },
    });
    return { replacementId: row.id };
  },
});

/**
 * Has the switch taken back, within thirty days: a job gives each row its id again, what was gone by it is here, the old system's edges go on.
 * The new system stays beside it; whom the school has withheld since is withheld in the old one too.
 * @throws CrosswalkError `not-found`, `approver-limited`, `state-forbids`, also after the thirty days; `sync-under-way`
 */
export const undoSwitch = defineVerb({
  name: 'replacement.undo',
  kind: 'command',
  access: [{ school: ['approver'] }],
  input: z.object({ schoolId: idSchema, replacementId: idSchema }),
  run: async ({ input, party, ...work }) => {
    const { ctx, tx } = work;
    const userId = userOf(work);
    const row = await lockReplacement(tx, input, 'switched');
    assertReachesBoth(party, row);
    if (row.switchedAt === null || undoUntil(row.switchedAt) <= ctx.clock.now()) {
      throw new CrosswalkError('state-forbids', { details: { problem: 'too-late' } });
    }
    await systemInSchool(tx, input.schoolId, row.oldSystemId);
    await assertNoRun(work, row);
    await want(work, row, { state: 'undoing', undoneBy: userId });
    work.audit({
      action: 'replacement.undo-approved',
      subjectKind: 'system',
      subjectId: row.oldSystemId,
      details: { replacementId: row.id, newSystemId: row.newSystemId },
    });
    return { replacementId: row.id };
  },
});
