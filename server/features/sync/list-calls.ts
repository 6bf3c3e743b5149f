import { and, desc, eq, lt } from 'drizzle-orm';
import { z } from 'zod';
import { systemCall } from '#db/schema/index.ts';
import { assertMayServe } from '#server/features/systems/system-party.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';

const pageSize = 100;

/** The school's own log of what we asked a system: no body, no token, nobody's name. Newest first; `before` as in list-runs. */
export const listCalls = defineVerb({
  name: 'sync.list-calls',
  kind: 'query',
  access: [{ school: ['school-administrator', 'approver', 'technical-contact'] }],
  input: z.object({
    schoolId: idSchema,
    systemId: idSchema,
    syncRunId: idSchema.optional(),
    before: idSchema.optional(),
  }),
  run: async ({ ctx, input, party, tx }) => {
    assertMayServe(ctx, party, input.systemId);
    const { schoolId, systemId, syncRunId, before } = input;
    const rows = await tx
      .select({
        id: systemCall.id,
        at: systemCall.at,
        purpose: systemCall.purpose,
        method: systemCall.method,
        path: systemCall.path,
        status: systemCall.status,
        rows: systemCall.rows,
        milliseconds: systemCall.milliseconds,
        errorCode: systemCall.errorCode,
        syncRunId: systemCall.syncRunId,
      })
      .from(systemCall)
      .where(
        and(
          eq(systemCall.schoolId, schoolId),
          eq(systemCall.systemId, systemId),
          syncRunId === undefined ? undefined : eq(systemCall.syncRunId, syncRunId),
          before === undefined ? undefined : lt(systemCall.id, before),
        ),
      )
      .orderBy(desc(systemCall.id))
      .limit(pageSize + 1);
    const calls = rows.slice(0, pageSize);
    return { calls, next: rows.length > pageSize ? (calls.at(-1)?.id ?? null) : null };
  },
});
