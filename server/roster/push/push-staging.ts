import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { type ExistingRecord, type PushEntity, pushEntities } from '#server/connectors/push-contract.ts';
import type { PushKey } from './lease.ts';

/**
 * The tables of a push in the schema `staging`: the sync role's alone, unlogged, dropped when it is over. `wanted`: what the grant lets the LMS
 * have, with names. `there`: what was read over there. `plan`: the difference. `pack`: the lines of a package, in their order.
 */
const stagedTables = ['wanted', 'there', 'plan', 'pack'] as const;
export type StagedPushTable = (typeof stagedTables)[number];

const nameOf = ({ pushRunId }: Pick<PushKey, 'pushRunId'>, table: StagedPushTable) =>
  `push_${table}_${pushRunId.replaceAll('-', '')}`;

/** A staged table of a push, as SQL. */
export const stagedPush = (push: Pick<PushKey, 'pushRunId'>, table: StagedPushTable) =>
  sql.raw(`staging.${nameOf(push, table)}`);

/** What stands in `staging.page` while the tables hold what was put into them: a crash of the database empties both. */
const openedMark = 'opened';

/** Opens the tables of a push, empty. */
export async function openPushStaging(tx: Tx, { schoolId, pushRunId }: PushKey): Promise<void> {
  await tx.execute(sql`select across.open_push_staging(${pushRunId}::uuid)`);
  await tx.execute(sql`
    insert into staging.page (run_id, school_id, collection, page, rows, set_aside, deviations)
    values (${pushRunId}::uuid, ${schoolId}::uuid, ${openedMark}, 0, 0, 0, '{}')`);
}

/** As either role. */
export async function dropPushStaging(tx: Tx, { pushRunId }: Pick<PushKey, 'pushRunId'>): Promise<void> {
  await tx.execute(sql`select across.close_push_staging(${pushRunId}::uuid)`);
}

const foundRows = z.array(z.object({ found: z.boolean() }));

/** Whether the tables are there with what was put into them. */
export async function isPushStaged(tx: Tx, push: Pick<PushKey, 'pushRunId'>): Promise<boolean> {
  const [row] = foundRows.parse(
    await tx.execute(sql`
      select to_regclass(${`staging.${nameOf(push, 'wanted')}`}) is not null
             and exists (select 1 from staging.page where run_id = ${push.pushRunId}::uuid and collection = ${openedMark}) as found`),
  );
  return row?.found === true;
}

/** Notes what was read over there; the same record told again takes the place of the first. */
export async function stageThere(
  tx: Tx,
  push: Pick<PushKey, 'pushRunId'>,
  entity: PushEntity,
  records: readonly ExistingRecord[],
): Promise<void> {
  if (records.length === 0) return;
  const rows = [...new Map(records.map((record) => [record.foreignId, record])).values()].map((record) => ({
    foreign_id: record.foreignId,
    key: record.key === 'hidden' ? null : record.key,
    hidden: record.key === 'hidden',
    name: record.name,
    code: record.code,
    email: record.email,
    state: record.state,
    user_foreign_id: record.userForeignId,
    parent_foreign_id: record.parentForeignId,
    role: record.role,
  }));
  await tx.execute(sql`
    insert into ${stagedPush(push, 'there')} (entity, foreign_id, key, hidden, name, code, email, state, user_foreign_id, parent_foreign_id, role)
    select ${entity}, r.* from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as r(foreign_id text, key text, hidden boolean, name text, code text, email text, state text, user_foreign_id text, parent_foreign_id text, role text)
    on conflict (entity, foreign_id) do update
       set key = excluded.key, hidden = excluded.hidden, name = excluded.name, code = excluded.code, email = excluded.email, state = excluded.state,
           user_foreign_id = excluded.user_foreign_id, parent_foreign_id = excluded.parent_foreign_id, role = excluded.role`);
}

/** Notes that an entity was read to its end, or where its reading stands. */
export async function noteRead(
  tx: Tx,
  { schoolId, pushRunId }: PushKey,
  read: { readonly entity: PushEntity; readonly page: number; readonly cursor: string | null; readonly rows: number },
): Promise<void> {
  await tx.execute(sql`
    insert into staging.page (run_id, school_id, collection, page, rows, set_aside, cursor, ended, deviations)
    values (${pushRunId}::uuid, ${schoolId}::uuid, ${read.entity}, ${read.page}, ${read.rows}, 0, ${read.cursor},
            ${read.cursor === null ? 'said' : null}, '{}')`);
}

const readRows = z.array(
  z.object({ page: z.coerce.number(), cursor: z.string().nullable(), ended: z.string().nullable() }),
);

/** Where the reading of an entity stands after what is staged; null before its first page. */
export async function readSoFar(
  tx: Tx,
  { pushRunId }: Pick<PushKey, 'pushRunId'>,
  entity: PushEntity,
): Promise<{ readonly page: number; readonly cursor: string | null; readonly isOver: boolean } | null> {
  const [row] = readRows.parse(
    await tx.execute(sql`
      select page, cursor, ended from staging.page where run_id = ${pushRunId}::uuid and collection = ${entity}
       order by page desc limit 1`),
  );
  return row === undefined ? null : { page: row.page, cursor: row.cursor, isOver: row.ended !== null };
}

const entityRows = z.array(z.object({ collection: z.string() }));

/** Entities that were read to the end of what was asked. */
export async function entitiesRead(tx: Tx, { pushRunId }: Pick<PushKey, 'pushRunId'>): Promise<PushEntity[]> {
  const rows = entityRows.parse(
    await tx.execute(
      sql`select distinct collection from staging.page where run_id = ${pushRunId}::uuid and ended is not null`,
    ),
  );
  return pushEntities.filter((entity) => rows.some(({ collection }) => collection === entity));
}

/** Forgets what was read, to read it again after writing. */
export async function forgetRead(tx: Tx, push: Pick<PushKey, 'pushRunId'>): Promise<void> {
  await tx.execute(sql`truncate ${stagedPush(push, 'there')}`);
  await tx.execute(
    sql`delete from staging.page where run_id = ${push.pushRunId}::uuid and collection <> ${openedMark}`,
  );
}
