import { and, eq, isNull, lt, lte, notInArray, or } from 'drizzle-orm';
import {
  agreement,
  connection,
  credential,
  oauthAttempt,
  reminder,
  request,
  systemReplacement,
} from '#db/schema/index.ts';
import { agreementStatesInForce } from '#db/schema/vocabulary.ts';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import type { Context } from '#server/kernel/context.ts';
import { newId } from '#server/kernel/ids.ts';
import { daysBetween, localDate } from '#server/kernel/local-date.ts';
import { runWork, type Work } from '#server/kernel/verb.ts';
import { advance, advanceIfAllowed } from './advance.ts';
import { bidFarewell } from './destroy-credentials.ts';
import { dropAmendment } from './drop-amendment.ts';
import { endConnection } from './end-connection.ts';
import { liveGrantOf, lockConnection, lockRequest, lockSystemEvenRemoved, schoolRow } from './load-rows.ts';
import { peopleWithRole } from './recipients.ts';
import { sweepCredentials } from './sweep-credentials.ts';
import { schoolPaths } from './tell-whose-turn.ts';
import { isOver } from './term.ts';

/** How long the switch to another system can be taken back (server/features/replace-system). */
const replacedKeptMilliseconds = 30 * 24 * 60 * 60 * 1000;
const lapseAfterMilliseconds = 30 * 24 * 60 * 60 * 1000;
/** Consents that were begun: kept for a day, so that a late answer is told that it is late. */
const attemptsKeptMilliseconds = 24 * 60 * 60 * 1000;
/** Days before a grant's end at which its school hears of it; the nearest that has come, each once. */
const occasions = [7, 30, 90] as const;

/** What time alone has done at one school, counted. */
export interface Tended {
  readonly resumed: number;
  readonly lapsed: number;
  readonly expired: number;
  readonly reminded: number;
  readonly destroyed: number;
}

/**
 * The hourly round of one school: pauses that are over, edges of a system that was replaced 30 days ago, requests that nobody answered for 30 days, grants at the end of
 * their term in the school's time zone, reminders, credentials that serve nobody. Each in a transaction of its own, and
 * each looked at again under its lock, so that a round may run twice or beside a person.
 */
export async function tendConnections(ctx: Context, schoolId: string): Promise<Tended> {
  const scope = { schoolId };
  const now = ctx.clock.now();
  const due = await ctx.database.withSchool(schoolId, async (tx) => ({
    school: await schoolRow(tx, schoolId),
    pauses: await tx
      .select({ id: connection.id })
      .from(connection)
      .where(and(eq(connection.schoolId, schoolId), eq(connection.state, 'paused'), lte(connection.resumesAt, now))),
    requests: await tx
      .select({ id: request.id })
      .from(request)
      .innerJoin(agreement, eq(agreement.id, request.agreementId))
      .where(
        and(
          eq(request.schoolId, schoolId),
          eq(request.state, 'requested'),
          or(
            lte(request.sentAt, new Date(now.getTime() - lapseAfterMilliseconds)),
            // Its agreement ended while another one kept the school's connections alive.
            notInArray(agreement.state, [...agreementStatesInForce]),
          ),
        ),
      ),
    connections: await tx
      .select({ id: connection.id })
      .from(connection)
      .where(and(eq(connection.schoolId, schoolId), isNull(connection.endedAt))),
    replaced: await tx
      .select({ id: connection.id })
      .from(connection)
      .innerJoin(
        systemReplacement,
        and(
          eq(systemReplacement.schoolId, connection.schoolId),
          eq(systemReplacement.oldSystemId, connection.producerSystemId),
          eq(systemReplacement.state, 'switched'),
          lte(systemReplacement.switchedAt, new Date(now.getTime() - replacedKeptMilliseconds)),
        ),
      )
      .where(and(eq(connection.schoolId, schoolId), isNull(connection.endedAt))),
    systems: await tx
      .selectDistinct({ id: credential.systemId })
      .from(credential)
      .where(and(eq(credential.schoolId, schoolId), isNull(credential.destroyedAt))),
  }));
  const counted = { resumed: 0, lapsed: 0, expired: 0, reminded: 0, destroyed: 0 };
  for (const { id } of due.pauses) {
    if (await runWork(ctx, scope, (work) => resumeWhenDue(work, schoolId, id))) counted.resumed += 1;
  }
  for (const { id } of due.requests) {
    if (await runWork(ctx, scope, (work) => lapseWhenUnanswered(work, schoolId, id))) counted.lapsed += 1;
  }
  for (const { id } of due.connections) {
    const outcome = await runWork(ctx, scope, (work) => expireOrRemind(work, schoolId, due.school.timeZone, id));
    if (outcome !== null) counted[outcome] += 1;
  }
  for (const { id } of due.replaced) {
    const ended = await runWork(ctx, scope, async (work) => {
      const locked = await lockConnection(work.tx, schoolId, id);
      if (locked.connection.endedAt !== null) return false;
      await endConnection(work, locked, { type: 'revoke', because: 'system-replaced' });
      return true;
    });
    if (ended) counted.expired += 1;
  }
  await ctx.database.withSchool(schoolId, (tx) =>
    tx
      .delete(oauthAttempt)
      .where(
        and(
          eq(oauthAttempt.schoolId, schoolId),
          lt(oauthAttempt.expiresAt, new Date(now.getTime() - attemptsKeptMilliseconds)),
        ),
      ),
  );
  for (const { id } of due.systems) counted.destroyed += await sweepSystem(ctx, schoolId, id);
  return counted;
}

async function resumeWhenDue(work: Work, schoolId: string, connectionId: string): Promise<boolean> {
  const locked = await lockConnection(work.tx, schoolId, connectionId);
  const { state, resumesAt } = locked.connection;
  if (state !== 'paused' || resumesAt === null || resumesAt > work.ctx.clock.now()) return false;
  return (await advanceIfAllowed(work, locked, { type: 'resume' })) !== null;
}

async function lapseWhenUnanswered(work: Work, schoolId: string, requestId: string): Promise<boolean> {
  const locked = await lockRequest(work.tx, schoolId, requestId);
  const { request: row } = locked;
  if (row.state !== 'requested' || row.sentAt === null) return false;
  const unanswered = row.sentAt.getTime() <= work.ctx.clock.now().getTime() - lapseAfterMilliseconds;
  const because = unanswered ? 'unanswered' : 'agreement';
  if (row.kind === 'open') await advance(work, locked, { type: 'lapse', because });
  await work.tx
    .update(request)
    .set({ state: 'lapsed', voidReason: unanswered ? 'unanswered' : 'agreement-ended' })
    .where(eq(request.id, requestId));
  if (row.kind !== 'open') await dropAmendment(work, locked);
  work.audit({
    action: 'request.lapsed',
    subjectKind: 'request',
    subjectId: requestId,
    details: { connectionId: row.connectionId },
  });
  return true;
}

async function expireOrRemind(
  work: Work,
  schoolId: string,
  timeZone: string,
  connectionId: string,
): Promise<'expired' | 'reminded' | null> {
  const { ctx, tx } = work;
  const locked = await lockConnection(tx, schoolId, connectionId);
  if (locked.connection.endedAt !== null) return null;
  const grant = await liveGrantOf(tx, schoolId, connectionId);
  if (grant === null) return null;
  const now = ctx.clock.now();
  if (isOver(grant.validUntil, timeZone, now)) {
    await endConnection(work, locked, { type: 'expire', because: 'term' });
    return 'expired';
  }
  const left = daysBetween(localDate(now, timeZone), grant.validUntil);
  const term = daysBetween(localDate(grant.validFrom, timeZone), grant.validUntil);
  // One that was given for less time than that needs no warning so early.
  const occasion = occasions.find((days) => left <= days && term > days);
  if (occasion === undefined) return null;
  const written = await tx
    .insert(reminder)
    .values({ id: newId(), schoolId, subject: 'grant', subjectId: grant.id, occasion: `${occasion}-days`, at: now })
    .onConflictDoNothing()
    .returning({ id: reminder.id });
  if (written.length === 0) return null;
  const school = await schoolRow(tx, schoolId);
  for (const to of await peopleWithRole(tx, schoolId, ['approver', 'school-administrator'], locked.system.id)) {
    await enqueueMail(work, {
      template: 'grant-ends-soon',
      to,
      schoolId,
      locale: to.locale,
      parameters: {
        school: school.name,
        system: locked.system.name,
        days: left,
        until: grant.validUntil,
        url: `${ctx.baseUrl}${schoolPaths.connection(schoolId, connectionId)}`,
      },
    });
  }
  work.audit({
    action: 'grant.reminded',
    subjectKind: 'connection',
    subjectId: connectionId,
    details: { grantId: grant.id, occasion: `${occasion}-days` },
  });
  return 'reminded';
}

/** Destroys the credentials of one system where they serve nobody. @returns how many */
export async function sweepSystem(ctx: Context, schoolId: string, systemId: string): Promise<number> {
  const { farewells, destroyed } = await runWork(ctx, { schoolId }, async (work) => {
    const held = await heldOf(work, systemId);
    const bids = await sweepCredentials(work, await lockSystemEvenRemoved(work.tx, schoolId, systemId));
    return { farewells: bids, destroyed: held - (await heldOf(work, systemId)) };
  });
  await bidFarewell(ctx, farewells);
  return destroyed;
}

async function heldOf({ tx }: Work, systemId: string): Promise<number> {
  const rows = await tx
    .select({ id: credential.id })
    .from(credential)
    .where(and(eq(credential.systemId, systemId), isNull(credential.destroyedAt)));
  return rows.length;
}

/** After a connection has changed: where it has ended, the credentials that it leaves behind, of the LMS too that was pushed into. */
export async function tidyAfterConnection(
  ctx: Context,
  { schoolId, connectionId }: { readonly schoolId: string; readonly connectionId: string },
): Promise<void> {
  const ended = await ctx.database.withSchool(schoolId, async (tx) => {
    const [row] = await tx
      .select({
        systemId: connection.producerSystemId,
        lmsId: connection.consumerSystemId,
        way: connection.way,
        endedAt: connection.endedAt,
      })
      .from(connection)
      .where(and(eq(connection.schoolId, schoolId), eq(connection.id, connectionId)));
    return row === undefined || row.endedAt === null ? null : row;
  });
  if (ended === null) return;
  await sweepSystem(ctx, schoolId, ended.systemId);
  if (ended.way === 'push' && ended.lmsId !== null) await sweepSystem(ctx, schoolId, ended.lmsId);
}
