import { and, eq, gt, gte, inArray, isNull, lte, ne, or, sql } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { connection, grant, pushRun, pushSettings, school, system } from '#db/schema/index.ts';
import type { PushEnding } from '#db/schema/vocabulary.ts';
import type { PushFacts } from '#server/connectors/open-connector.ts';
import type { PushEntity } from '#server/connectors/push-contract.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { type GrantView, readGrantView } from '#server/roster/grant-view.ts';
import { type PushKey, pushLeaseMs } from './lease.ts';
import type { PushPorts } from './ports.ts';
import { dropPushStaging, isPushStaged, openPushStaging } from './push-staging.ts';
import { stageWanted } from './want.ts';

/** What is to be done for a push. Ids and words only: it rests in the queue's tables. */
export type BegunPush =
  /** Ended or decided already, or its grant is gone: nothing. */
  | { readonly kind: 'over' }
  /** Another push is at work in this LMS; this one comes after it. */
  | { readonly kind: 'busy'; readonly waitSeconds: number }
  | {
      readonly kind: 'push';
      readonly fence: number;
      readonly systemId: string;
      readonly connectionId: string;
      /** Null: a push. */
      readonly ending: PushEnding | null;
      /** What the connector carries, in its order, and how. */
      readonly entities: readonly PushEntity[];
      readonly manner: PushFacts['manner'];
      /** What is there was read before a person said yes, and lies staged. */
      readonly isRead: boolean;
      /** Handed over by an earlier attempt: it is followed, not planned again. */
      readonly isHandedOver: boolean;
      /** Planned and decided by an earlier attempt: it goes on where that was cut off. */
      readonly isPlanned: boolean;
    };

/** How the school chose that is pushed. @throws CrosswalkError `push-not-chosen` */
export async function readPushSettings(
  tx: Tx,
  { schoolId, connectionId }: { readonly schoolId: string; readonly connectionId: string },
): Promise<typeof pushSettings.$inferSelect> {
  const [settings] = await tx
    .select()
    .from(pushSettings)
    .where(and(eq(pushSettings.connectionId, connectionId), eq(pushSettings.schoolId, schoolId)));
  if (settings === undefined) throw new CrosswalkError('push-not-chosen');
  return settings;
}

/** What a connection's live grant lets its LMS have; null where it may have nothing now. */
export async function readPushedView(
  tx: Tx,
  { schoolId, connectionId, now }: { readonly schoolId: string; readonly connectionId: string; readonly now: Date },
): Promise<GrantView | null> {
  const [live] = await tx
    .select({
      state: connection.state,
      systemId: connection.producerSystemId,
      scopes: grant.scopes,
      withoutFields: grant.withoutFields,
      sharingRule: grant.sharingRule,
    })
    .from(connection)
    .innerJoin(grant, and(eq(grant.connectionId, connection.id), isNull(grant.endedAt)))
    .where(
      and(
        eq(connection.id, connectionId),
        eq(connection.schoolId, schoolId),
        inArray(connection.state, ['connecting', 'live', 'failing']),
        gte(grant.validUntil, now.toISOString().slice(0, 10)),
      ),
    );
  return live === undefined ? null : readGrantView(tx, { ...live, schoolId });
}

/** The connector of an LMS that may be written to. @throws CrosswalkError `stopped-by-school`, `push-not-offered` */
async function readPushFacts(
  tx: Tx,
  ports: Pick<PushPorts, 'factsOf'>,
  { schoolId, systemId }: { readonly schoolId: string; readonly systemId: string },
): Promise<PushFacts> {
  const [lms] = await tx
    .select({ connector: system.connector, stoppedAt: school.stoppedAt, removedAt: system.removedAt })
    .from(system)
    .innerJoin(school, eq(school.id, system.schoolId))
    .where(and(eq(system.id, systemId), eq(system.schoolId, schoolId)));
  if (lms === undefined || lms.removedAt !== null) throw new CrosswalkError('not-found', { details: { systemId } });
  if (lms.stoppedAt !== null) throw new CrosswalkError('stopped-by-school');
  const facts = ports.factsOf(lms.connector);
  if (facts === null) throw new CrosswalkError('push-not-offered', { details: { connector: lms.connector } });
  return facts;
}

/**
 * Takes a push: state, fence, lease; and writes down what the grant lets the LMS have now. As the sync role. Taking it again (a repeated step)
 * gives a new fence. One push is at work in an LMS at a time.
 */
export async function beginPush(ctx: Context, ports: Pick<PushPorts, 'factsOf'>, push: PushKey): Promise<BegunPush> {
  const now = ctx.clock.now();
  return ctx.database.withSchool(push.schoolId, async (tx) => {
    const [row] = await tx
      .select()
      .from(pushRun)
      .where(and(eq(pushRun.id, push.pushRunId), eq(pushRun.schoolId, push.schoolId)))
      .for('update');
    if (row === undefined) throw new CrosswalkError('not-found', { details: { pushRunId: push.pushRunId } });
    if (row.state !== 'queued' && row.state !== 'running') return { kind: 'over' };
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${row.systemId}, 12))`);
    const others = and(eq(pushRun.schoolId, push.schoolId), eq(pushRun.systemId, row.systemId), ne(pushRun.id, row.id));
    const [busy] = await tx
      .select({ until: pushRun.leaseUntil })
      .from(pushRun)
      .where(and(others, eq(pushRun.state, 'running'), gt(pushRun.leaseUntil, now)))
      .limit(1);
    if (busy !== undefined) return { kind: 'busy', waitSeconds: 20 };
    // One that nobody works on any more: what it sent and did not hear of stands in the ledger.
    const abandoned = await tx
      .update(pushRun)
      .set({ state: 'discarded', finishedAt: now })
      .where(and(others, eq(pushRun.state, 'running'), or(isNull(pushRun.leaseUntil), lte(pushRun.leaseUntil, now))))
      .returning({ id: pushRun.id });
    for (const { id } of abandoned) await dropPushStaging(tx, { pushRunId: id });
    const of = { schoolId: push.schoolId, connectionId: row.connectionId };
    const facts = await readPushFacts(tx, ports, row);
    const settings = await readPushSettings(tx, of);
    const view = await readPushedView(tx, { ...of, now });
    if (view === null && row.ending === null) {
      await dropPushStaging(tx, push);
      await tx.update(pushRun).set({ state: 'discarded', finishedAt: now }).where(eq(pushRun.id, row.id));
      return { kind: 'over' };
    }
    await inheritLedger(tx, row);
    const fence = row.fence + 1;
    const isStaged = await isPushStaged(tx, push);
    // A package is followed by its lines; where a crash of the database took them, the next push finds out what stands there.
    const isHandedOver = row.packageSince !== null && row.state === 'running' && isStaged;
    const isPlanned = row.state === 'running' && row.phase === 'deliver' && isStaged && !isHandedOver;
    await tx
      .update(pushRun)
      .set({
        state: 'running',
        phase: isHandedOver ? 'follow' : isPlanned ? 'deliver' : row.approvedAt === null ? 'read' : 'plan',
        fence,
        leaseUntil: new Date(now.getTime() + pushLeaseMs),
        startedAt: row.startedAt ?? now,
        held: null,
        errorCode: null,
        errorDetails: null,
        ...(isHandedOver ? {} : { packageSince: null, packageTicket: null }),
      })
      .where(eq(pushRun.id, row.id));
    const begun = {
      kind: 'push',
      fence,
      systemId: row.systemId,
      connectionId: row.connectionId,
      ending: row.ending,
      entities: facts.entities,
      manner: facts.manner,
    } as const;
    if (isHandedOver || isPlanned) return { ...begun, isRead: true, isHandedOver, isPlanned };
    const isRead = row.approvedAt !== null && isStaged;
    if (!isRead) {
      await dropPushStaging(tx, push);
      await openPushStaging(tx, push);
    }
    if (view !== null && row.ending === null) {
      await stageWanted(tx, { push, view, settings, facts, now });
    }
    return { ...begun, isRead, isHandedOver: false, isPlanned: false };
  });
}

/** What an earlier connection between the same two systems made and left there is this one's now. */
async function inheritLedger(tx: Tx, run: typeof pushRun.$inferSelect): Promise<void> {
  await tx.execute(sql`
    update push_ledger l set connection_id = ${run.connectionId}::uuid
     where l.school_id = ${run.schoolId}::uuid and l.system_id = ${run.systemId}::uuid and l.connection_id <> ${run.connectionId}::uuid
       and exists (select 1 from connection c where c.id = l.connection_id and c.school_id = l.school_id and c.ended_at is not null
                    and c.producer_system_id = ${run.producerSystemId}::uuid)`);
}
