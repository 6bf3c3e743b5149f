import { and, desc, eq, gt, isNull, or } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { grant, type SharingRule } from '#db/schema/index.ts';
import { type GrantView, readGrantView } from '#server/roster/grant-view.ts';

/** Days for which a consumer is told of what was deleted. */
export const deletionDays = 30;

/** Whose roster is asked for, and what of it may be told: a consumer's call. */
export interface Asked {
  readonly schoolId: string;
  readonly connectionId: string;
  readonly grantId: string;
  readonly producerSystemId: string;
  readonly scopes: readonly string[];
  readonly withoutFields: readonly string[];
  readonly sharingRule: SharingRule;
}

/** What is read under one grant. */
export interface Reading {
  readonly connectionId: string;
  readonly view: GrantView;
  /** Since when the grant gives what it gives: before it nothing was modified for this consumer. */
  readonly since: Date;
  /** This grant and those that it replaced of late, each over what is here or has left while it stood: what the consumer could see. */
  readonly seen: readonly GrantView[];
  /** Deletions from before it are told no more. */
  readonly horizon: Date;
}

/** Reads the grant of a call as views over the roster, with the grants of the connection that it replaced. */
export async function openReading(tx: Tx, asked: Asked, now: Date): Promise<Reading> {
  const { schoolId, connectionId, grantId, producerSystemId: systemId } = asked;
  const horizon = new Date(now.getTime() - deletionDays * 86_400_000);
  const grants = await tx
    .select({
      id: grant.id,
      scopes: grant.scopes,
      withoutFields: grant.withoutFields,
      sharingRule: grant.sharingRule,
      validFrom: grant.validFrom,
    })
    .from(grant)
    .where(
      and(
        eq(grant.schoolId, schoolId),
        eq(grant.connectionId, connectionId),
        or(isNull(grant.endedAt), gt(grant.endedAt, horizon)),
      ),
    )
    .orderBy(desc(grant.validFrom))
    .limit(20);
  const view = await readGrantView(tx, { ...asked, systemId });
  const since = grants.find(({ id }) => id === grantId)?.validFrom ?? now;
  const left = (from: Date) => (from > horizon ? from : horizon);
  const seen = [view.withLeftSince(left(since))];
  for (const one of grants) {
    if (one.id === grantId) continue;
    seen.push((await readGrantView(tx, { ...one, schoolId, systemId })).withLeftSince(left(one.validFrom)));
  }
  return { connectionId, view, since, seen, horizon };
}
