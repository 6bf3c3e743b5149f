import { and, desc, eq, lt } from 'drizzle-orm';
import { z } from 'zod';
import { providerRequest } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';

const rowsPerPage = 50;

/** Calls that a connection's consumer made, the newest first: what was asked and how much was told, never about whom. */
export const listProviderRequests = defineVerb({
  name: 'connections.provider-requests',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({
    schoolId: idSchema,
    connectionId: idSchema,
    /** The `next` of the page before. */
    after: idSchema.optional(),
  }),
  run: async ({ tx, input: { schoolId, connectionId, after } }) => {
    const rows = await tx
      .select({
        id: providerRequest.id,
        at: providerRequest.at,
        method: providerRequest.method,
        path: providerRequest.path,
        parameters: providerRequest.parameters,
        status: providerRequest.status,
        records: providerRequest.records,
        bytes: providerRequest.bytes,
        ms: providerRequest.ms,
      })
      .from(providerRequest)
      .where(
        and(
          eq(providerRequest.schoolId, schoolId),
          eq(providerRequest.connectionId, connectionId),
          // Ids are in the order in which they were made.
          after === undefined ? undefined : lt(providerRequest.id, after),
        ),
      )
      .orderBy(desc(providerRequest.id))
      .limit(rowsPerPage + 1);
    const shown = rows.slice(0, rowsPerPage);
    return { rows: shown, next: rows.length > rowsPerPage ? (shown.at(-1)?.id ?? null) : null };
  },
});
