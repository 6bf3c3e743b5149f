import { eq } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { school } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

/** The school in scope. `lock` makes two verbs on its agreements wait for each other. */
export async function schoolInScope(
  tx: Tx,
  schoolId: string,
  options: { lock?: boolean } = {},
): Promise<typeof school.$inferSelect> {
  const query = tx.select().from(school).where(eq(school.id, schoolId));
  const [row] = options.lock === true ? await query.for('no key update') : await query;
  if (row === undefined) throw new CrosswalkError('not-found');
  return row;
}
