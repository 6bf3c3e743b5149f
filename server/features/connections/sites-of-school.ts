import { and, eq, inArray } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { site } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

/** @throws CrosswalkError `invalid-input` where one of them is no site of the school */
export async function assertSites(tx: Tx, schoolId: string, siteIds: readonly string[]): Promise<void> {
  if (siteIds.length === 0) return;
  const rows = await tx
    .select({ id: site.id })
    .from(site)
    .where(and(eq(site.schoolId, schoolId), inArray(site.id, [...siteIds])));
  if (rows.length !== new Set(siteIds).size)
    throw new CrosswalkError('invalid-input', { details: { fields: ['sites'] } });
}
