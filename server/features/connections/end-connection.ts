import { eq } from 'drizzle-orm';
import { grant, request } from '#db/schema/index.ts';
import type { Work } from '#server/kernel/verb.ts';
import { advance } from './advance.ts';
import type { Locked } from './load-rows.ts';
import { purgeUngranted } from './purge-ungranted.ts';
import { recordConsent } from './record-consent.ts';
import { readSituation } from './situation.ts';
import type { ConnectionEvent } from './state-machine.ts';

/**
 * Ends a connection: its grant, what was asked besides, and data that nobody may have any more. The credential that
 * served it is swept by whoever can also revoke it over there: the verb, or the job that hears `connection/changed`.
 */
export async function endConnection(
  work: Work,
  locked: Locked,
  event: Extract<ConnectionEvent, { type: 'revoke' | 'expire' }>,
): Promise<void> {
  const { tx } = work;
  const now = work.ctx.clock.now();
  const { grant: live, approvedRequest, openRequest, school } = await readSituation(tx, locked);
  await advance(work, locked, event, { details: live === null ? {} : { grantId: live.id } });
  if (openRequest !== null) {
    await tx
      .update(request)
      .set({ state: 'void', voidReason: 'connection-ended' })
      .where(eq(request.id, openRequest.id));
  }
  if (live !== null) {
    await tx
      .update(grant)
      .set({ endedAt: now, endReason: event.type === 'revoke' ? 'revoked' : 'expired' })
      .where(eq(grant.id, live.id));
    if (approvedRequest !== null && event.type === 'revoke') {
      await recordConsent(work, approvedRequest, { side: 'producer', status: 'revoked', organisation: school.name });
    }
  }
  const removed = event.type === 'revoke' && event.because === 'system-removed';
  await purgeUngranted(work, locked.system, removed ? 'system-removed' : 'nothing-granted');
}
