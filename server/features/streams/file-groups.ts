import { and, eq, inArray, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { rosterGroup, streamAssignment } from '#db/schema/index.ts';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { streamInSystem } from './read-streams.ts';
import { chooserOf, noteOf } from './write-choice.ts';

/**
 * Files groups under a stream by hand, whatever they tell of themselves; `stream: null` takes that back. Applied by the next run.
 * @throws CrosswalkError `not-found` where a group or the stream is not of this system; `state-forbids` for a stream that is merged away
 */
export const fileGroups = defineVerb({
  name: 'streams.file-groups',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({
    schoolId: idSchema,
    systemId: idSchema,
    groupIds: z.array(idSchema).min(1).max(500),
    stream: z.string().min(1).max(500).nullable(),
  }),
  run: async (call) => {
    const { groupIds, stream, ...of } = call.input;
    const { tx } = call;
    await systemInSchool(tx, of.schoolId, of.systemId);
    if (stream !== null && (await streamInSystem(tx, of, stream)).mergedInto !== null) {
      throw new CrosswalkError('state-forbids', { details: { problem: 'merged-away' } });
    }
    const wanted = [...new Set(groupIds)];
    const groups = await tx
      .select({ sourceId: rosterGroup.sourceId })
      .from(rosterGroup)
      .where(
        and(
          eq(rosterGroup.schoolId, of.schoolId),
          eq(rosterGroup.systemId, of.systemId),
          inArray(rosterGroup.id, wanted),
          isNull(rosterGroup.goneAt),
        ),
      );
    if (groups.length < wanted.length) throw new CrosswalkError('not-found');
    await tx.delete(streamAssignment).where(
      and(
        eq(streamAssignment.schoolId, of.schoolId),
        eq(streamAssignment.systemId, of.systemId),
        inArray(
          streamAssignment.groupSourceId,
          groups.map(({ sourceId }) => sourceId),
        ),
      ),
    );
    const by = { assignedBy: chooserOf(call), assignedAt: call.ctx.clock.now() };
    if (stream !== null) {
      await tx
        .insert(streamAssignment)
        .values(groups.map(({ sourceId }) => ({ ...of, groupSourceId: sourceId, streamSourceId: stream, ...by })));
    }
    call.audit(noteOf(stream === null ? 'unfiled' : 'filed', of.systemId, { groups: groups.length, stream }));
    return { groups: groups.length };
  },
});
