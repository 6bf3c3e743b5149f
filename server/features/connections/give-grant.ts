import { eq } from 'drizzle-orm';
import { grant, type SharingRule } from '#db/schema/index.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Work } from '#server/kernel/verb.ts';
import type { GrantRow, RequestRow } from './load-rows.ts';

export interface GrantTerms {
  readonly scopes: readonly string[];
  readonly sharingRule: SharingRule;
  readonly withoutFields: readonly string[];
  readonly validUntil: string;
  readonly grantedBy: string;
}

/**
 * Puts a new grant in the place of the old one: rows are never changed, so that what was allowed at any moment can be
 * read. The request is approved already, or the database refuses.
 */
export async function replaceGrant(
  { ctx, tx }: Work,
  row: RequestRow,
  old: GrantRow | null,
  terms: GrantTerms,
  reason: 'amended' | 'narrowed' | 'renewed',
): Promise<string> {
  const now = ctx.clock.now();
  if (old !== null) await tx.update(grant).set({ endedAt: now, endReason: reason }).where(eq(grant.id, old.id));
  const grantId = newId();
  await tx.insert(grant).values({
    id: grantId,
    schoolId: row.schoolId,
    connectionId: row.connectionId,
    requestId: row.id,
    scopes: [...terms.scopes],
    withoutFields: [...terms.withoutFields],
    sharingRule: terms.sharingRule,
    purpose: row.purpose,
    validFrom: now,
    validUntil: terms.validUntil,
    grantedBy: terms.grantedBy,
    createdAt: now,
  });
  return grantId;
}
