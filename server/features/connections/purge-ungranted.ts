import { and, eq, isNull } from 'drizzle-orm';
import { rosterSite, site, syncRun } from '#db/schema/index.ts';
import type { Work } from '#server/kernel/verb.ts';
import { readAllowed } from '#server/roster/live-grants.ts';
import { sitesAllowed } from '#server/roster/narrow-to-sites.ts';
import { type Purge, purgeBeyond } from '#server/roster/purge.ts';
import type { SystemRow } from './load-rows.ts';

/**
 * After grants have ended or shrunk: what nobody may have any more is deleted, with a receipt, and a run that waits is
 * discarded where nothing may be fetched. One that is running meets the missing grant at its next use of the secret.
 */
export async function purgeUngranted(work: Work, system: SystemRow, reason: Purge['reason']): Promise<void> {
  const { ctx, tx } = work;
  const { schoolId, id: systemId } = system;
  const now = ctx.clock.now();
  const allowed = await readAllowed(tx, { schoolId, systemId, now });
  await discardUnlessServed(work, system);
  const source = await tx
    .select({
      sourceId: rosterSite.sourceId,
      name: rosterSite.name,
      identifier: rosterSite.identifier,
      parentSourceId: rosterSite.parentSourceId,
    })
    .from(rosterSite)
    .where(and(eq(rosterSite.schoolId, schoolId), eq(rosterSite.systemId, systemId), isNull(rosterSite.goneAt)));
  const own = await tx
    .select({ id: site.id, name: site.name, registerNumber: site.registerNumber })
    .from(site)
    .where(eq(site.schoolId, schoolId));
  await purgeBeyond(tx, {
    schoolId,
    systemId,
    scopes: allowed.toKeep,
    grants: allowed.grants,
    sites: sitesAllowed(allowed.siteRules, source, own),
    reason,
    now,
  });
}

/** After a pause: what waits is discarded where no other edge of the system may be served. */
export async function discardUnlessServed(work: Work, system: SystemRow): Promise<void> {
  const { schoolId, id: systemId } = system;
  const { toFetch } = await readAllowed(work.tx, { schoolId, systemId, now: work.ctx.clock.now() });
  if (toFetch.length === 0) await discardQueuedRuns(work, schoolId, systemId);
}

/** Queued work stops at once. */
export async function discardQueuedRuns({ ctx, tx }: Work, schoolId: string, systemId: string | null): Promise<void> {
  await tx
    .update(syncRun)
    .set({ state: 'discarded', finishedAt: ctx.clock.now() })
    .where(
      and(
        eq(syncRun.schoolId, schoolId),
        eq(syncRun.state, 'queued'),
        systemId === null ? undefined : eq(syncRun.systemId, systemId),
      ),
    );
}
