import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';

const versionRows = z.array(z.object({ version: z.string() }));

/** What a school's roster is at now, as one word: another one once any transaction that wrote into it is committed. */
export async function readRosterVersion(tx: Tx, schoolId: string): Promise<string> {
  const [row] = versionRows.parse(
    await tx.execute(sql`
      select coalesce(max(seq), 0) || '.' || count(*) as version from roster_touch where school_id = ${schoolId}::uuid`),
  );
  return row?.version ?? '';
}
