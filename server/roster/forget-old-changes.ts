import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Context } from '#server/kernel/context.ts';
import { unknownHash } from './plan-run.ts';
import { forgetOldProviderRows } from './provider/forget-old-rows.ts';
import { personCells, rosterTables } from './roster-tables.ts';
import { undoDays } from './undo-run.ts';

/** Rows of one transaction: short ones, so that nobody waits for them. */
const atOnce = 20_000;
const schoolRows = z.array(z.object({ school_id: z.uuid() }));

/** Content of people and demographics. Ids and kind stay, so that who comes back is the same. */
const demographicsContent = Object.keys(rosterTables.demographics.columns).filter(
  (name) => name !== 'person_id' && name !== 'races',
);

/**
 * Forgets, in every school, the values before and after of changes that can no longer be taken back, and the content of people who have been gone
 * for as long. As the sync role.
 * @returns how many rows were emptied
 */
export async function forgetOldChanges(ctx: Context): Promise<number> {
  const before = sql`${new Date(ctx.clock.now().getTime() - undoDays * 86_400_000).toISOString()}::timestamptz`;
  const schools = schoolRows.parse(
    await ctx.database.withoutSchool((tx) =>
      tx.execute(sql`select school_id from across.schools_with_old_changes(${before})`),
    ),
  );
  let forgotten = 0;
  for (const { school_id: schoolId } of schools) {
    const school = sql`${schoolId}::uuid`;
    const emptied = (table: string, singles: readonly string[], lists: readonly string[]) => {
      const set = [...singles.map((name) => `${name} = null`), ...lists.map((name) => `${name} = '{}'`)].join(', ');
      const any = [...singles.map((name) => `${name} is not null`), ...lists.map((name) => `${name} <> '{}'`)].join(
        ' or ',
      );
      return sql`
        update ${sql.raw(table)} r set ${sql.raw(set)}, content_hash = ${unknownHash}::bigint
         where r.id in (select id from ${sql.raw(table)} where school_id = ${school} and gone_at < ${before} and (${sql.raw(any)}) limit ${atOnce})`;
    };
    for (const statement of [
      sql`
        update roster_change c set before = null, after = null
         where c.seq in (select seq from roster_change where school_id = ${school} and at < ${before} and (before is not null or after is not null) limit ${atOnce})`,
      emptied('roster_person', personCells.text, [...personCells.list, 'site_source_ids']),
      emptied('roster_demographics', demographicsContent, ['races']),
    ]) {
      for (;;) {
        const { count } = await ctx.database.withSchool(schoolId, (tx) => tx.execute(statement));
        forgotten += count;
        if (count < atOnce) break;
      }
    }
  }
  return forgotten + (await forgetOldProviderRows(ctx));
}
