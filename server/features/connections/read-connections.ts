import { and, desc, eq, gte, inArray, isNull, or, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { Tx } from '#db/client.ts';
import { connection, grant, request, site, syncRun, system } from '#db/schema/index.ts';
import { type ConnectionState, isScope, type Scope, type SystemKind, type Turn } from '#db/schema/vocabulary.ts';
import { daysBetween, localDate } from '#server/kernel/local-date.ts';
import { bestCount, peopleCounts, receivedCounts, type ScopeCount } from './counts-of-system.ts';
import type { ConnectionRow, GrantRow } from './load-rows.ts';
import { sameOrigins } from './situation.ts';
import {
  type Cause,
  hasDataToPush,
  type NextStep,
  readCause,
  speaksOfHost,
  speaksOfLms,
  standingOf,
} from './state-machine.ts';

/** One edge as graph, table and register show it. */
export interface EdgeView {
  readonly connectionId: string;
  /** The name of an LMS; of the marketplace the page knows it. */
  readonly consumer: {
    readonly kind: ConnectionRow['consumerKind'];
    readonly id: string | null;
    readonly name: string;
  };
  /** How an LMS comes by it; null for every other consumer. */
  readonly way: ConnectionRow['way'];
  /** Of the way `direct`: what was found over there. */
  readonly directProof: ConnectionRow['directProof'];
  readonly producer: { readonly id: string; readonly kind: SystemKind; readonly name: string };
  /** The system that cause and next step speak of: the producer, or the LMS that is written into. */
  readonly about: { readonly id: string; readonly kind: SystemKind; readonly name: string };
  readonly state: ConnectionState;
  readonly cause: Cause;
  readonly turn: Turn;
  readonly next: NextStep;
  readonly since: Date;
  readonly resumesAt: Date | null;
  /** What flows, or would: of the grant, else of what was asked. */
  readonly flows: readonly ({ readonly scope: Scope } & ScopeCount)[];
  readonly purpose: string;
  readonly until: string;
  readonly daysLeft: number;
  /** Names of the sites to which it is narrowed; empty: all. */
  readonly sites: readonly string[];
  /** Whether it is narrowed to streams, subjects or groups, or lacks single fields. */
  readonly isNarrowed: boolean;
  readonly grantId: string | null;
  /** The request that waits to be sent or decided, an amendment too. */
  readonly openRequest: {
    readonly id: string;
    readonly kind: 'open' | 'amend' | 'renew';
    readonly state: string;
    readonly draftedAs: 'agent' | 'school' | 'operator' | 'lms';
    readonly sentAt: Date | null;
  } | null;
  readonly lastReceivedAt: Date | null;
  /** How many records of its own scopes are here: what other edges of the same system carry is not counted. */
  readonly records: number | null;
  readonly endedAt: Date | null;
  /** The last sync of the producer. */
  readonly lastRun: {
    readonly id: string;
    readonly state: string;
    readonly phase: string | null;
    readonly errorCode: string | null;
    readonly finishedAt: Date | null;
  } | null;
}

const consumerSystem = alias(system, 'consumer');

/** Ended edges stay in sight for a while. */
const shownAfterEndMilliseconds = 90 * 24 * 60 * 60 * 1000;

/** Every edge of the school, living ones and those that ended within 90 days, newest first. */
export async function readConnections(tx: Tx, schoolId: string, now: Date): Promise<EdgeView[]> {
  const rows = await tx
    .select({
      connection,
      system,
      consumerName: consumerSystem.name,
      timeZone: sql<string>`(select time_zone from school where school.id = ${schoolId})`,
    })
    .from(connection)
    .innerJoin(system, eq(system.id, connection.producerSystemId))
    .leftJoin(consumerSystem, eq(consumerSystem.id, connection.consumerSystemId))
    .where(
      and(
        eq(connection.schoolId, schoolId),
        or(isNull(connection.endedAt), gte(connection.endedAt, new Date(now.getTime() - shownAfterEndMilliseconds))),
      ),
    )
    .orderBy(desc(connection.createdAt), desc(connection.id));
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.connection.id);
  const requests = await tx
    .select()
    .from(request)
    .where(and(eq(request.schoolId, schoolId), inArray(request.connectionId, ids)))
    .orderBy(desc(request.createdAt), desc(request.id));
  const grants = await tx
    .select()
    .from(grant)
    .where(and(eq(grant.schoolId, schoolId), inArray(grant.connectionId, ids)))
    .orderBy(desc(grant.createdAt), desc(grant.id));
  const runs = await tx
    .selectDistinctOn([syncRun.systemId])
    .from(syncRun)
    .where(eq(syncRun.schoolId, schoolId))
    .orderBy(syncRun.systemId, desc(syncRun.createdAt));
  const siteNames = new Map(
    (await tx.select({ id: site.id, name: site.name }).from(site).where(eq(site.schoolId, schoolId))).map((row) => [
      row.id,
      row.name,
    ]),
  );
  const counted = new Map<string, Map<Scope, number>>();
  for (const { system: producer } of rows) {
    if (!counted.has(producer.id)) counted.set(producer.id, await receivedCounts(tx, schoolId, producer.id));
  }
  const peopleOf = new Map<string, Map<Scope, ScopeCount>>();
  for (const { connection: row, system: producer } of rows) {
    if (row.consumerKind === 'lms' && row.way !== 'direct' && row.endedAt === null && !peopleOf.has(producer.id)) {
      peopleOf.set(producer.id, await peopleCounts(tx, schoolId, producer.id));
    }
  }
  return rows.flatMap(({ connection: row, system: producer, consumerName, timeZone }) => {
    const latest = requests.find(({ connectionId }) => connectionId === row.id);
    if (latest === undefined) return [];
    const mine = grants.filter(({ connectionId }) => connectionId === row.id);
    const live = mine.find(({ endedAt }) => endedAt === null);
    const terms = live ?? mine[0] ?? null;
    const open = requests.find(
      ({ connectionId, state }) => connectionId === row.id && (state === 'draft' || state === 'requested'),
    );
    const standing = standingOf(
      { state: row.state, cause: readCause(row.cause) },
      { draftedAs: latest.draftedAs, producerKind: producer.kind },
    );
    const scopes = (terms?.scopes ?? latest.scopes.map(({ scope }) => scope)).filter(isScope);
    const approved = requests.find(({ id }) => id === live?.requestId);
    // Of a push it is the LMS that moved where the SIS stands as it was approved.
    const hasLmsMoved =
      row.way === 'push' &&
      speaksOfHost(standing.cause) &&
      approved !== undefined &&
      sameOrigins(approved.origins, producer.origins);
    const isHere =
      row.lastReceivedAt !== null ||
      (row.consumerKind === 'lms' && (row.state === 'live' || hasDataToPush(standing.cause)));
    const received = isHere && row.endedAt === null ? (counted.get(producer.id) ?? null) : null;
    const people = received !== null && row.consumerKind === 'lms' ? (peopleOf.get(producer.id) ?? null) : null;
    const until = terms?.validUntil ?? latest.until;
    const run = runs.find(({ systemId }) => systemId === producer.id);
    const flows = scopes.map((scope) => ({ scope, ...bestCount(scope, received, people) }));
    const view: EdgeView = {
      connectionId: row.id,
      consumer: { kind: row.consumerKind, id: row.consumerSystemId ?? row.consumerAppId, name: consumerName ?? '' },
      way: row.way,
      directProof: row.directProof,
      producer: { id: producer.id, kind: producer.kind, name: producer.name },
      about:
        row.consumerSystemId !== null && (speaksOfLms(standing.cause) || hasLmsMoved)
          ? { id: row.consumerSystemId, kind: 'lms', name: consumerName ?? '' }
          : { id: producer.id, kind: producer.kind, name: producer.name },
      ...standing,
      since: row.stateChangedAt,
      resumesAt: row.resumesAt,
      flows,
      purpose: terms?.purpose ?? latest.purpose,
      until,
      daysLeft: daysBetween(localDate(now, timeZone), until),
      sites: (terms?.sharingRule.sites ?? []).map((id) => siteNames.get(id) ?? id),
      isNarrowed: isNarrowed(terms),
      grantId: live?.id ?? null,
      openRequest:
        open === undefined
          ? null
          : { id: open.id, kind: open.kind, state: open.state, draftedAs: open.draftedAs, sentAt: open.sentAt },
      lastReceivedAt: row.lastReceivedAt,
      records: received === null ? row.records : flows.reduce((sum, { count }) => sum + (count ?? 0), 0),
      endedAt: row.endedAt,
      lastRun:
        run === undefined
          ? null
          : {
              id: run.id,
              state: run.state,
              phase: run.phase,
              errorCode: run.errorCode,
              finishedAt: run.finishedAt,
            },
    };
    return [view];
  });
}

function isNarrowed(grant: GrantRow | null): boolean {
  if (grant === null) return false;
  const { streams, subjects, groups } = grant.sharingRule;
  return [streams, subjects, groups, grant.withoutFields].some((list) => list.length > 0);
}
