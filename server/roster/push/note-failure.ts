import { and, eq } from 'drizzle-orm';
import { pushRun } from '#db/schema/index.ts';
import type { Context } from '#server/kernel/context.ts';
import type { CrosswalkError } from '#server/kernel/errors.ts';
import type { HeldPush } from './lease.ts';

/** Notes on the push what went wrong, since a queue carries only a code; answers the error, to be thrown. */
export async function noteFailure(ctx: Context, push: HeldPush, error: CrosswalkError): Promise<CrosswalkError> {
  if (error.details.problem === 'lease-lost') return error;
  await ctx.database.withSchool(push.schoolId, (tx) =>
    tx
      .update(pushRun)
      .set({ errorCode: error.code, errorDetails: { ...error.details } })
      .where(
        and(
          eq(pushRun.id, push.pushRunId),
          eq(pushRun.schoolId, push.schoolId),
          eq(pushRun.fence, push.fence),
          eq(pushRun.state, 'running'),
        ),
      ),
  );
  return error;
}
