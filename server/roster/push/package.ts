import { eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { pushRun } from '#db/schema/index.ts';
import type { OpenPush } from '#server/connectors/open-connector.ts';
import { type AnyPushChange, type PackageProblem, pushEntities } from '#server/connectors/push-contract.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError, toCrosswalkError } from '#server/kernel/errors.ts';
import { anyChangeOf, readChanges } from './changes.ts';
import { signInOf } from './deliver.ts';
import { holdPush } from './lease.ts';
import { noteFailure } from './note-failure.ts';
import { noteLedger, noteSent } from './outcomes.ts';
import type { PushPorts } from './ports.ts';
import { forgetRead, stagedPush } from './push-staging.ts';
import { dataSetOf, markOf, type PushAt } from './read-there.ts';

/** Lines read at once for a package; it streams. */
const linesAtOnce = 1_000;

type PackageLms = Extract<OpenPush, { readonly manner: 'package' }>;

/** Whether changes go as one package at all. */
const asPackage = (lms: OpenPush): PackageLms => {
  if (lms.manner === 'package') return lms;
  throw new CrosswalkError('internal', { details: { problem: 'no-package' } });
};

/**
 * Hands everything over as one package, once: where an earlier attempt was cut off, the LMS is asked for it by its mark first. As the sync role.
 * @returns false where there is nothing to hand over
 */
export async function submitPackage(ctx: Context, ports: Pick<PushPorts, 'withPush'>, push: PushAt): Promise<boolean> {
  const inSchool = ctx.database.withSchool;
  try {
    return await ports.withPush(ctx, push, async (opened) => {
      const lms = asPackage(opened);
      const standing = await inSchool(push.schoolId, (tx) => prepare(ctx, tx, push, lms));
      if (standing === null) return false;
      if (standing.ticket !== null) return true;
      const mark = markOf(push);
      const earlier = standing.isAgain ? await lms.find({ mark, since: standing.since }) : null;
      const ticket =
        earlier ??
        (await lms.submit({
          mark,
          dataSet: dataSetOf(push.connectionId),
          isFresh: standing.isFresh,
          changes: linesOf(ctx, push, lms, await signInOf(ctx, push)),
          onProgress: (changes) =>
            inSchool(push.schoolId, (tx) =>
              holdPush(tx, push, ctx.clock.now(), {
                progress: { entity: null, done: changes, total: standing.lines },
              }),
            ),
        }));
      await inSchool(push.schoolId, (tx) =>
        holdPush(tx, push, ctx.clock.now(), { phase: 'follow', packageTicket: ticket }),
      );
      return true;
    });
  } catch (error) {
    throw await noteFailure(ctx, push, toCrosswalkError(error));
  }
}

const counted = z.array(z.object({ n: z.coerce.number() }));

/** Puts the lines of the package in their order, notes them as sent, and answers whether it was handed over before. */
async function prepare(ctx: Context, tx: Tx, push: PushAt, lms: PackageLms) {
  const now = ctx.clock.now();
  const [run] = await tx.select().from(pushRun).where(eq(pushRun.id, push.pushRunId));
  const count = async () =>
    counted.parse(await tx.execute(sql`select count(*) as n from ${stagedPush(push, 'pack')}`))[0]?.n ?? 0;
  if (run?.packageSince != null) {
    await holdPush(tx, push, now);
    const facts = {
      isAgain: true,
      isFresh: await isFresh(tx, push),
      since: run.packageSince,
      ticket: run.packageTicket,
    };
    return { ...facts, lines: await count() };
  }
  const rows = sql`r.school_id = ${push.schoolId}::uuid and r.push_run_id = ${push.pushRunId}::uuid`;
  const [changes] = counted.parse(
    await tx.execute(
      sql`select count(*) as n from push_row r where ${rows} and r.state = 'planned' and r.action in ('create', 'update', 'suspend', 'restore', 'remove')`,
    ),
  );
  if ((changes?.n ?? 0) === 0) return null;
  await tx.execute(sql`truncate ${stagedPush(push, 'pack')}`);
  const keeps =
    lms.holds === 'everything'
      ? sql`
        union all
        select l.entity, l.key, 'keep', l.foreign_id, coalesce(r.keeps_name, false)
          from push_ledger l join ${stagedPush(push, 'wanted')} w on w.entity = l.entity and w.key = l.key and w.aside is null
          left join push_row r on ${rows} and r.entity = l.entity and r.key = l.key
         where l.school_id = ${push.schoolId}::uuid and l.system_id = ${push.systemId}::uuid and l.connection_id = ${push.connectionId}::uuid
           and l.written_at is not null and l.gone_at is null and not l.suspended and l.origin <> 'found' and (r.key is null or r.action in ('leave', 'adopt'))`
      : sql``;
  // What stands in something that waits is not among them: the plan holds it back.
  await tx.execute(sql`
    insert into ${stagedPush(push, 'pack')} (entity, ordinal, key, action, foreign_id, keeps_name)
    select entity, row_number() over (partition by entity order by key), key, action, foreign_id, keeps_name from (
      select r.entity, r.key, r.action, r.foreign_id, r.keeps_name from push_row r
       where ${rows} and r.state = 'planned' and r.action in ('create', 'update', 'suspend', 'restore', 'remove')
      ${keeps}) each`);
  await noteSent(tx, push, sql`r.action in ('create', 'update', 'suspend', 'restore', 'remove')`, now);
  const fresh = await isFresh(tx, push);
  await holdPush(tx, push, now, { phase: 'deliver', packageSince: now });
  return { isAgain: false, isFresh: fresh, since: now, ticket: null, lines: await count() };
}

const flag = z.array(z.object({ any: z.boolean() }));

/** Whether the LMS may compare with what it was sent last: only where that was taken whole. */
async function isFresh(tx: Tx, push: PushAt): Promise<boolean> {
  const [row] = flag.parse(
    await tx.execute(sql`
      select coalesce((select r.state <> 'succeeded' from push_run r
        where r.school_id = ${push.schoolId}::uuid and r.connection_id = ${push.connectionId}::uuid and r.id <> ${push.pushRunId}::uuid and r.package_since is not null
        order by r.id desc limit 1), true) as any`),
  );
  return row?.any !== false;
}

async function* linesOf(ctx: Context, push: PushAt, lms: PackageLms, signIn: string): AsyncGenerator<AnyPushChange> {
  for (const entity of pushEntities.filter((one) => lms.entities.includes(one))) {
    for (let after = 0; ; after += linesAtOnce) {
      const rows = await ctx.database.withSchool(push.schoolId, (tx) =>
        readChanges(
          tx,
          push,
          entity,
          sql`select entity, key, ordinal, 'planned' as state, action, foreign_id, keeps_name from ${stagedPush(push, 'pack')}
               where entity = ${entity} and ordinal > ${after} and ordinal <= ${after + linesAtOnce}`,
        ),
      );
      for (const row of rows) yield anyChangeOf(entity, row, signIn);
      if (rows.length < linesAtOnce) break;
    }
  }
}

/** How far the package is. */
export interface Followed {
  readonly isOver: boolean;
  readonly waitSeconds: number;
}

/** Asks once how far the package is; at its end writes what became of each line. As the sync role. */
export async function followPackage(ctx: Context, ports: Pick<PushPorts, 'withPush'>, push: PushAt): Promise<Followed> {
  const inSchool = ctx.database.withSchool;
  try {
    return await ports.withPush(ctx, push, async (opened) => {
      const lms = asPackage(opened);
      const ticket = await inSchool(push.schoolId, async (tx) => {
        await holdPush(tx, push, ctx.clock.now(), { phase: 'follow' });
        const [run] = await tx.select().from(pushRun).where(eq(pushRun.id, push.pushRunId));
        return run?.packageTicket ?? null;
      });
      if (ticket === null) return { isOver: true, waitSeconds: 0 };
      const state = await lms.follow(ticket);
      if (state.state === 'working') {
        await inSchool(push.schoolId, (tx) =>
          holdPush(tx, push, ctx.clock.now(), { progress: { entity: null, done: state.percent, total: 100 } }),
        );
        return { isOver: false, waitSeconds: Math.max(1, Math.min(state.waitSeconds, 60)) };
      }
      const { how, details } = state;
      // In pages, each written at once: there may be as many problems as lines.
      for await (const problems of lms.problems(ticket)) {
        await inSchool(push.schoolId, async (tx) => {
          await holdPush(tx, push, ctx.clock.now());
          await noteProblems(tx, push, problems);
        });
      }
      await inSchool(push.schoolId, async (tx) => {
        await holdPush(tx, push, ctx.clock.now(), { phase: 'read-back' });
        await settleLines(ctx, tx, push, how);
        await forgetRead(tx, push);
      });
      if (how === 'refused') throw new CrosswalkError('push-refused', { details });
      return { isOver: true, waitSeconds: 0 };
    });
  } catch (error) {
    throw await noteFailure(ctx, push, toCrosswalkError(error));
  }
}

async function noteProblems(tx: Tx, push: PushAt, problems: readonly PackageProblem[]): Promise<void> {
  const named = problems.flatMap(({ entity, at, isTaken, problem, details }) =>
    at === null
      ? []
      : [
          {
            entity,
            ordinal: 'ordinal' in at ? at.ordinal : null,
            key: 'key' in at ? at.key : null,
            isTaken,
            problem,
            details,
          },
        ],
  );
  if (named.length === 0) return;
  await tx.execute(sql`
    update push_row r set problem = n.problem, problem_details = n.details, state = case when n."isTaken" then r.state else 'failed' end
      from jsonb_to_recordset(${JSON.stringify(named)}::jsonb) as n(entity text, ordinal bigint, key text, "isTaken" boolean, problem text, details jsonb)
      join ${stagedPush(push, 'pack')} k on k.entity = n.entity and (k.ordinal = n.ordinal or k.key = n.key)
     where r.school_id = ${push.schoolId}::uuid and r.push_run_id = ${push.pushRunId}::uuid and r.entity = k.entity and r.key = k.key and r.state in ('sent', 'failed')`);
}

/** Lines that no problem named: taken, refused with the whole, or not known. */
async function settleLines(ctx: Context, tx: Tx, push: PushAt, how: 'done' | 'refused' | 'cut-off'): Promise<void> {
  const rows = sql`r.school_id = ${push.schoolId}::uuid and r.push_run_id = ${push.pushRunId}::uuid`;
  const state = { done: 'done', refused: 'failed', 'cut-off': 'unknown' }[how];
  await tx.execute(sql`
    update push_row r set state = ${state}, problem = case when ${how} = 'refused' then coalesce(r.problem, 'refused') else r.problem end
     where ${rows} and r.state = 'sent'`);
  for (const entity of pushEntities)
    await noteLedger(tx, push, entity, sql`${rows} and r.action <> 'adopt'`, ctx.clock.now());
}

/** Enters the ids that were read back. What was taken and does not stand there was not written. */
export async function enterForeignIds(ctx: Context, push: PushAt): Promise<void> {
  const now = ctx.clock.now();
  await ctx.database.withSchool(push.schoolId, async (tx) => {
    await holdPush(tx, push, now, { phase: 'read-back' });
    const there = stagedPush(push, 'there');
    const ours = sql`l.school_id = ${push.schoolId}::uuid and l.system_id = ${push.systemId}::uuid and l.connection_id = ${push.connectionId}::uuid`;
    await tx.execute(sql`
      update push_ledger l set foreign_id = t.foreign_id,
             name_hash = case when t.name is null then l.name_hash else md5(regexp_replace(trim(t.name), '\\s+', ' ', 'g'))::uuid end
        from ${there} t
       where ${ours} and l.foreign_id is null and t.entity = l.entity and t.key = l.key and t.state <> 'deleted'`);
    const rows = sql`r.school_id = ${push.schoolId}::uuid and r.push_run_id = ${push.pushRunId}::uuid`;
    // What was cut off and stands there was written.
    await tx.execute(sql`
      update push_row r set state = 'done' from push_ledger l
       where ${rows} and r.action = 'create' and r.state = 'unknown' and ${ours} and l.entity = r.entity and l.key = r.key and l.foreign_id is not null`);
    for (const entity of pushEntities) await noteLedger(tx, push, entity, sql`${rows} and r.action = 'create'`, now);
    await tx.execute(sql`
      update push_row r set state = 'failed', problem = 'not-written'
        from push_ledger l
       where ${rows} and r.action = 'create' and r.state = 'done' and ${ours} and l.entity = r.entity and l.key = r.key and l.foreign_id is null
         and r.entity in (select distinct p.collection from staging.page p where p.run_id = ${push.pushRunId}::uuid and p.ended is not null)`);
    await tx.execute(sql`
      delete from push_ledger l using push_row r
       where ${rows} and ${ours} and l.entity = r.entity and l.key = r.key and r.problem = 'not-written' and r.state = 'failed' and l.foreign_id is null`);
  });
}
