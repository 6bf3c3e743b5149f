import { and, eq, inArray, or } from 'drizzle-orm';
import { z } from 'zod';
import { syncRun, systemReplacement } from '#db/schema/index.ts';
import { openReplacementStates } from '#db/schema/vocabulary.ts';
import { lockSystem } from '#server/features/connections/load-rows.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { carryWithheld } from './carry-withheld.ts';
import { undoUntil } from './load-replacement.ts';
import { proposeLinks } from './propose-links.ts';

/**
 * Puts a new SIS beside the one that it will replace and looks for who is who. Nothing changes for anybody until the switch; whom the
 * school withholds is withheld in the new system from now on.
 * @throws CrosswalkError `not-found`; `invalid-input` for a system that is no SIS or is the same; `state-forbids` where the new one was never
 *   synced; `duplicate` where one of the two is part of a replacement already
 */
export const startReplacement = defineVerb({
  name: 'replacement.start',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, oldSystemId: idSchema, newSystemId: idSchema }),
  run: async ({ input, party: _party, ...work }) => {
    const { schoolId, oldSystemId, newSystemId } = input;
    const { ctx, tx } = work;
    const userId = userIdOf(ctx);
    if (userId === null) throw new CrosswalkError('forbidden');
    if (oldSystemId === newSystemId)
      throw new CrosswalkError('invalid-input', { details: { fields: ['newSystemId'] } });
    for (const systemId of [oldSystemId, newSystemId].toSorted()) {
      const { kind } = await lockSystem(tx, schoolId, systemId);
      if (kind !== 'sis') throw new CrosswalkError('invalid-input', { details: { fields: ['newSystemId'] } });
    }
    const [synced] = await tx
      .select({ id: syncRun.id })
      .from(syncRun)
      .where(and(eq(syncRun.schoolId, schoolId), eq(syncRun.systemId, newSystemId), eq(syncRun.state, 'succeeded')))
      .limit(1);
    if (synced === undefined) throw new CrosswalkError('state-forbids', { details: { problem: 'never-synced' } });
    const both = [oldSystemId, newSystemId];
    const others = await tx
      .select()
      .from(systemReplacement)
      .where(
        and(
          eq(systemReplacement.schoolId, schoolId),
          inArray(systemReplacement.state, [...openReplacementStates]),
          or(inArray(systemReplacement.oldSystemId, both), inArray(systemReplacement.newSystemId, both)),
        ),
      );
    // Only what can still be undone stands in the way: a system that was the new one long ago may be replaced in its turn.
    const isOpen = others.some(
      ({ oldSystemId: replaced, switchedAt }) =>
        both.includes(replaced) || switchedAt === null || undoUntil(switchedAt) > ctx.clock.now(),
    );
    if (isOpen) throw new CrosswalkError('duplicate');
    const now = ctx.clock.now();
    const row = {
      id: newId(),
      schoolId,
      oldSystemId,
      newSystemId,
      state: 'reviewing' as const,
      startedBy: userId,
      startedAt: now,
      proposedAt: now,
      approvedBy: null,
      switchedAt: null,
      undoneBy: null,
      undoneAt: null,
      wantedAt: null,
      failedCode: null,
      failedAt: null,
    };
    await tx.insert(systemReplacement).values(row);
    const withheld = await carryWithheld(work, { schoolId, from: oldSystemId, to: newSystemId, userId });
    await proposeLinks(tx, row);
    work.audit({
      action: 'replacement.started',
      subjectKind: 'system',
      subjectId: oldSystemId,
      details: { replacementId: row.id, newSystemId, withheldCarried: withheld.carried },
    });
    return { replacementId: row.id, ...withheld };
  },
});
