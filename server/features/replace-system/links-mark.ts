import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import type { ReplacementRow } from './load-replacement.ts';

const markSchema = z.array(z.object({ confirmed: z.coerce.number(), open: z.coerce.number(), mark: z.string() }));

/** How many links are confirmed and how many wait, and a mark of exactly which are confirmed: an approval is good for those alone. */
export async function markOfLinks(
  tx: Tx,
  { schoolId, id }: Pick<ReplacementRow, 'schoolId' | 'id'>,
): Promise<{ confirmed: number; open: number; fingerprint: string }> {
  const [row] = markSchema.parse(
    await tx.execute(sql`
      select count(*) filter (where confirmed) as confirmed, count(*) filter (where not confirmed) as open,
             concat(count(*) filter (where confirmed), '/', bit_xor(hashtextextended(old_id::text || new_id::text, 0)) filter (where confirmed), '/',
                    bit_xor(hashtextextended(old_id::text || new_id::text, 1)) filter (where confirmed)) as mark
        from replacement_link where school_id = ${schoolId}::uuid and replacement_id = ${id}::uuid and not rejected`),
  );
  return { confirmed: row?.confirmed ?? 0, open: row?.open ?? 0, fingerprint: row?.mark ?? '' };
}
