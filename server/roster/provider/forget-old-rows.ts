import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Context } from '#server/kernel/context.ts';
import { deletionDays } from './open-reading.ts';

/** Days for which a consumer's calls are kept: a school year's look back. */
const requestDays = 400;
const schoolRows = z.array(z.object({ school_id: z.uuid() }));

/** Forgets, in every school, calls of long ago and deletions that are told no more. As the sync role. @returns how many rows went */
export async function forgetOldProviderRows(ctx: Context): Promise<number> {
  const before = (days: number) =>
    sql`${new Date(ctx.clock.now().getTime() - days * 86_400_000).toISOString()}::timestamptz`;
  const schools = schoolRows.parse(
    await ctx.database.withoutSchool((tx) =>
      tx.execute(
        sql`select school_id from across.schools_with_old_provider_rows(${before(requestDays)}, ${before(deletionDays)})`,
      ),
    ),
  );
  let forgotten = 0;
  for (const { school_id: schoolId } of schools) {
    forgotten += await ctx.database.withSchool(schoolId, async (tx) => {
      const school = sql`school_id = ${schoolId}::uuid`;
      const requests = await tx.execute(
        sql`delete from provider_request where ${school} and at < ${before(requestDays)}`,
      );
      // The trigger leaves this transaction as the newest that touched the roster: no version comes twice.
      const tombstones = await tx.execute(
        sql`delete from provider_tombstone where ${school} and at < ${before(deletionDays)}`,
      );
      const touches = await tx.execute(sql`delete from roster_touch where ${school} and at < ${before(deletionDays)}`);
      return requests.count + tombstones.count + touches.count;
    });
  }
  return forgotten;
}
