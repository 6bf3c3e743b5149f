import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';

const rows = z.array(z.object({ found: z.boolean() }));

/** Whether a query finds anything; it is read no further than its first row. */
export async function anyRow(tx: Tx, query: SQL): Promise<boolean> {
  const [row] = rows.parse(await tx.execute(sql`select exists (${query}) as found`));
  return row?.found === true;
}

/** Whether a condition is true of some row of `from`. For what mostly is not: every row is read, by several processes where there are many. */
export async function anyOf(tx: Tx, condition: SQL, from: SQL): Promise<boolean> {
  const [row] = rows.parse(await tx.execute(sql`select coalesce(bool_or(${condition}), false) as found from ${from}`));
  return row?.found === true;
}
