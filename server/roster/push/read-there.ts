import { eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { pushRun } from '#db/schema/index.ts';
import type { ExistingAsk, PushEntity, Reading } from '#server/connectors/push-contract.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError, isCrosswalkError, toCrosswalkError } from '#server/kernel/errors.ts';
import { type HeldPush, holdPush } from './lease.ts';
import { noteFailure } from './note-failure.ts';
import type { PushPorts } from './ports.ts';
import { noteRead, readSoFar, stagedPush, stageThere } from './push-staging.ts';

export interface PushAt extends HeldPush {
  readonly systemId: string;
  readonly connectionId: string;
}

/** Where the reading of an entity stands after a slice. */
export interface ReadSlice {
  readonly isOver: boolean;
  /** Which step comes next, so that its name differs. */
  readonly page: number;
  readonly waitSeconds: number | null;
}

/** A slice takes no further page after this; with the longest call it stays under a minute. */
const sliceMs = 25_000;

/** The name of the data set that is ours in an LMS, and the mark of a package. */
export const dataSetOf = (connectionId: string) => `crosswalk-${connectionId}`;
export const markOf = ({ pushRunId }: Pick<HeldPush, 'pushRunId'>) => `crosswalk-${pushRunId}`;

/**
 * Proves the credential, and refuses the push where another SIS import is at work in this LMS.
 * @throws CrosswalkError `foreign-import`, and whatever the proof throws
 */
export async function refuseForeignImport(
  ctx: Context,
  ports: Pick<PushPorts, 'withPush' | 'provePush'>,
  push: PushAt,
): Promise<void> {
  const marks = await ctx.database.withSchool(push.schoolId, async (tx) => {
    await holdPush(tx, push, ctx.clock.now());
    const rows = await tx.select({ id: pushRun.id }).from(pushRun).where(eq(pushRun.systemId, push.systemId));
    return rows.map(({ id }) => markOf({ pushRunId: id }));
  });
  try {
    await ports.provePush(ctx, push);
    const found = await ports.withPush(ctx, push, (lms) =>
      lms.detectForeignImport({ dataSet: dataSetOf(push.connectionId), marks }),
    );
    if (found === null) return;
    throw new CrosswalkError('foreign-import', {
      details: { by: found.by, lastAt: found.lastAt?.toISOString() ?? null },
    });
  } catch (error) {
    throw await noteFailure(ctx, push, toCrosswalkError(error));
  }
}

/** Reads what is there of one entity for about 25 seconds. As the sync role. */
export async function readThere(
  ctx: Context,
  ports: Pick<PushPorts, 'withPush'>,
  push: PushAt,
  from: { readonly entity: PushEntity; readonly page: number },
): Promise<ReadSlice> {
  const { entity } = from;
  const inSchool = ctx.database.withSchool;
  const started = performance.now();
  let page = from.page;
  try {
    return await ports.withPush(ctx, push, async (lms) => {
      const reading = lms.reading[entity];
      if (reading === null || !lms.entities.includes(entity)) return { isOver: true, page, waitSeconds: null };
      for (;;) {
        const asked = await inSchool(push.schoolId, async (tx) => {
          await holdPush(tx, push, ctx.clock.now(), { phase: 'read' });
          const soFar = await readSoFar(tx, push, entity);
          if (soFar?.isOver === true) return null;
          const next = await askFor(tx, push, entity, reading, soFar?.cursor ?? null);
          // The last ask was the last one to be made, which shows only now.
          if (next === null && soFar !== null) {
            await noteRead(tx, push, { entity, page: soFar.page + 1, cursor: null, rows: 0 });
          }
          return next;
        });
        if (asked === null) return { isOver: true, page, waitSeconds: null };
        let cursor = asked.next;
        let rows = 0;
        for await (const read of lms.readExisting(asked.ask)) {
          if (asked.ask.by === 'pages') cursor = read.cursor;
          rows += read.records.length;
          await inSchool(push.schoolId, (tx) => stageThere(tx, push, entity, read.records));
          // A page at a time: each is noted with where it ended, and reading goes on behind it.
          if (asked.ask.by === 'pages') break;
        }
        await inSchool(push.schoolId, async (tx) => {
          const soFar = await readSoFar(tx, push, entity);
          page = (soFar?.page ?? -1) + 1;
          await noteRead(tx, push, { entity, page, cursor, rows });
          await holdPush(tx, push, ctx.clock.now(), { progress: { entity, done: page + 1, total: null } });
        });
        if (cursor === null) return { isOver: true, page, waitSeconds: null };
        if (performance.now() - started > sliceMs) return { isOver: false, page, waitSeconds: null };
      }
    });
  } catch (error) {
    if (isCrosswalkError(error, 'foreign-throttled') && page > from.page) {
      return { isOver: false, page, waitSeconds: error.retryAfterSeconds ?? 30 };
    }
    throw await noteFailure(ctx, push, toCrosswalkError(error));
  }
}

const probeRows = z.array(
  z.object({
    key: z.string(),
    foreign_id: z.string().nullable(),
    code: z.string().nullable(),
    email: z.string().nullable(),
  }),
);
const parentRows = z.array(z.object({ key: z.string(), foreign_id: z.string() }));

/** What to ask next, and where to go on after it; null where nothing of this entity needs to be known. */
async function askFor(
  tx: Tx,
  push: PushAt,
  entity: PushEntity,
  { by, most }: Reading,
  cursor: string | null,
): Promise<{ readonly ask: ExistingAsk; readonly next: string | null } | null> {
  if (by === 'pages') {
    // Whether all accounts are read is a question of whether one of them must be found.
    const needed = entity !== 'user' || (await probesAfter(tx, push, entity, null, 1)).length > 0;
    return needed ? { ask: { entity, by, cursor }, next: null } : null;
  }
  if (by === 'look-up') {
    const probes = await probesAfter(tx, push, entity, cursor, most);
    if (probes.length === 0) return null;
    return {
      ask: { entity, by, probes: probes.map(({ foreign_id, ...probe }) => ({ ...probe, foreignId: foreign_id })) },
      next: probes.length < most ? null : (probes.at(-1)?.key ?? null),
    };
  }
  const parents = await parentsAfter(tx, push, entity, cursor, most);
  if (parents.length === 0) return null;
  return {
    ask: { entity, by, parents: parents.map(({ key, foreign_id }) => ({ key, foreignId: foreign_id })) },
    next: parents.length < most ? null : (parents.at(-1)?.key ?? null),
  };
}

/** Those of whom nothing certain is known: not in the ledger, changed since, suspended, or leaving. What is no account is asked for always. */
async function probesAfter(tx: Tx, push: PushAt, entity: PushEntity, after: string | null, most: number) {
  const wanted = stagedPush(push, 'wanted');
  const ours = sql`l.school_id = ${push.schoolId}::uuid and l.system_id = ${push.systemId}::uuid and l.entity = ${entity}`;
  return probeRows.parse(
    await tx.execute(sql`
      select key, min(foreign_id) as foreign_id, min(code) as code, min(email) as email from (
        select w.key, l.foreign_id, w.code, case when not w.made_email then w.email end as email
          from ${wanted} w left join push_ledger l on ${ours} and l.key = w.key
         where w.entity = ${entity} and w.aside is null
           and (${entity !== 'user'}::boolean or l.foreign_id is null or l.content_hash is distinct from w.hash or l.suspended or l.gone_at is not null)
        union all
        select l.key, l.foreign_id, null, null from push_ledger l
         where ${ours} and l.connection_id = ${push.connectionId}::uuid and not l.suspended and l.gone_at is null
           and not exists (select 1 from ${wanted} w where w.entity = ${entity} and w.key = l.key)) asked
       where ${after}::text is null or key > ${after}::text group by key order by key limit ${most}`),
  );
}

/** Courses (or cohorts) that stand there already and into which somebody is to be written anew: who is in them is asked first. */
async function parentsAfter(tx: Tx, push: PushAt, entity: PushEntity, after: string | null, most: number) {
  const [wanted, there] = [stagedPush(push, 'wanted'), stagedPush(push, 'there')];
  const parent = entity === 'membership' ? sql`w.parent_key` : sql`w.course_key`;
  const parentEntity = entity === 'membership' ? 'cohort' : 'course';
  return parentRows.parse(
    await tx.execute(sql`
      select p.key, coalesce(l.foreign_id, c.foreign_id, t.foreign_id) as foreign_id
        from (select distinct ${parent} as key from ${wanted} w
                left join push_ledger o on o.school_id = ${push.schoolId}::uuid and o.system_id = ${push.systemId}::uuid and o.entity = w.entity and o.key = w.key
               where w.entity = ${entity} and (o.key is null or o.written_at is null)) p
        left join push_ledger l on l.school_id = ${push.schoolId}::uuid and l.system_id = ${push.systemId}::uuid and l.entity = ${parentEntity} and l.key = p.key and l.gone_at is null
        left join push_choice c on c.school_id = ${push.schoolId}::uuid and c.connection_id = ${push.connectionId}::uuid and c.entity = ${parentEntity} and c.key = p.key and c.answer = 'adopt'
        left join ${there} t on t.entity = ${parentEntity} and t.key = p.key and t.state <> 'deleted'
       where coalesce(l.foreign_id, c.foreign_id, t.foreign_id) is not null and (${after}::text is null or p.key > ${after}::text)
       order by p.key limit ${most}`),
  );
}
