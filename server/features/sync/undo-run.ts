import { z } from 'zod';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { requestUndo } from '#server/roster/undo-run.ts';

/**
 * Takes a run back: the roster is as it was before it, and the next run is held for review. A job does it; its run is what is given back.
 * @throws CrosswalkError `not-found`; `state-forbids` with `problem` where a later run stands, after thirty days, after a purge, twice, or
 * while a run is under way
 */
export const undoSyncRun = defineVerb({
  name: 'sync.undo-run',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, syncRunId: idSchema }),
  run: async (work) => {
    const { ctx, input, audit } = work;
    const { syncRunId, systemId } = await requestUndo(work, { ...input, requestedBy: userIdOf(ctx) });
    audit({
      action: 'sync.run-undone',
      subjectKind: 'sync-run',
      subjectId: input.syncRunId,
      details: { systemId, undo: syncRunId },
    });
    return { syncRunId };
  },
});
