import { z } from 'zod';
import { listRuns } from '#server/jobs/health.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';

/** Runs of background jobs, the newest first: which function, how it stands, how long it took; never what it was about. */
export const listJobs = defineLongVerb({
  name: 'operations.list-jobs',
  kind: 'query',
  access: [{ operator: true }],
  input: z.object({ functionId: z.string().max(100).optional(), before: z.coerce.date().optional() }),
  run: ({ ctx, input }) =>
    listRuns(ctx.database, {
      ...(input.functionId === undefined ? {} : { functionId: input.functionId }),
      ...(input.before === undefined ? {} : { before: input.before }),
      limit: 200,
    }),
});
