import { and, eq, inArray, isNull } from 'drizzle-orm';
import { connection, pushSettings } from '#db/schema/index.ts';
import type { Context } from '#server/kernel/context.ts';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { runWork } from '#server/kernel/verb.ts';
import { pushedConnection } from './load-push.ts';
import { askForPush } from './request-push.ts';

/** After a sync of a SIS was applied: every LMS that its roster is written into gets what changed. */
export async function requestPushesAfterSync(
  ctx: Context,
  { schoolId, systemId }: { readonly schoolId: string; readonly systemId: string },
): Promise<void> {
  const due = await ctx.database.withSchool(schoolId, (tx) =>
    tx
      .select({ id: connection.id, lastReceivedAt: connection.lastReceivedAt })
      .from(connection)
      .innerJoin(pushSettings, eq(pushSettings.connectionId, connection.id))
      .where(
        and(
          eq(connection.schoolId, schoolId),
          eq(connection.producerSystemId, systemId),
          eq(connection.way, 'push'),
          isNull(connection.endedAt),
          inArray(connection.state, ['connecting', 'live', 'failing']),
        ),
      ),
  );
  for (const { id, lastReceivedAt } of due) {
    try {
      await runWork(ctx, { schoolId }, async (work) => {
        const of = await pushedConnection(work.tx, schoolId, id);
        await askForPush(work, of, { trigger: lastReceivedAt === null ? 'first' : 'sync' });
      });
    } catch (error) {
      // It is ending, or the approver or the LMS must allow it first, which its connection says.
      const awaited = (['state-forbids', 'push-not-permitted', 'host-not-approved'] as const).some((code) =>
        isCrosswalkError(error, code),
      );
      if (!awaited) throw error;
    }
  }
}
