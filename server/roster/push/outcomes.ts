import { sql } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import type { PushEntity, PushOutcome } from '#server/connectors/push-contract.ts';
import { stagedPush } from './push-staging.ts';
import type { PushAt } from './read-there.ts';

/**
 * Before a batch or a package is sent: its rows are `sent`, and what is to be made stands in the ledger as sent, so that after a cut it is
 * known for ours. `which` is a condition on `r`, a row of the run.
 */
export async function noteSent(tx: Tx, push: PushAt, which: ReturnType<typeof sql>, now: Date): Promise<void> {
  const rows = sql`r.school_id = ${push.schoolId}::uuid and r.push_run_id = ${push.pushRunId}::uuid and ${which}`;
  const at = sql`${now.toISOString()}::timestamptz`;
  await tx.execute(sql`
    insert into push_ledger as l (school_id, system_id, connection_id, entity, key, record_id, origin, user_key, course_key, parent_key, role, ends_on, sent_at)
    select r.school_id, ${push.systemId}::uuid, ${push.connectionId}::uuid, r.entity, r.key, r.record_id, 'made', w.user_key, w.course_key, w.parent_key, w.role,
           w.ends_on::date, ${at}
      from push_row r join ${stagedPush(push, 'wanted')} w on w.entity = r.entity and w.key = r.key
     where ${rows} and r.action = 'create' and r.state = 'planned'
    on conflict (system_id, entity, key) do update
       set sent_at = excluded.sent_at, record_id = excluded.record_id,
           -- Made again: what was deleted over there is another record.
           foreign_id = case when l.gone_at is null then l.foreign_id end, origin = case when l.gone_at is null then l.origin else 'made' end,
           gone_at = null, suspended = false
     where l.connection_id = excluded.connection_id`);
  await tx.execute(sql`update push_row r set state = 'sent' where ${rows} and r.state = 'planned'`);
}

/** Rows that cannot be sent, since what they belong to is not there. */
export async function noteUnsent(
  tx: Tx,
  push: PushAt,
  entity: PushEntity,
  rows: readonly { readonly key: string; readonly problem: string }[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.execute(sql`
    update push_row r set state = 'failed', problem = n.problem from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n(key text, problem text)
     where r.school_id = ${push.schoolId}::uuid and r.push_run_id = ${push.pushRunId}::uuid and r.entity = ${entity} and r.key = n.key`);
}

/** Writes what became of a batch into the run's rows and the ledger, in one transaction: by sets. */
export async function noteOutcomes(
  tx: Tx,
  push: PushAt,
  entity: PushEntity,
  outcomes: readonly PushOutcome[],
  now: Date,
): Promise<void> {
  if (outcomes.length === 0) return;
  const at = sql`${now.toISOString()}::timestamptz`;
  const told = JSON.stringify(
    outcomes.map(({ key, outcome, foreignId, name, problem, details }) => ({
      key,
      outcome,
      foreign_id: foreignId,
      name,
      problem,
      details,
    })),
  );
  const rows = sql`r.school_id = ${push.schoolId}::uuid and r.push_run_id = ${push.pushRunId}::uuid and r.entity = ${entity}`;
  const told_ = sql`jsonb_to_recordset(${told}::jsonb) as n(key text, outcome text, foreign_id text, name text, problem text, details jsonb)`;
  // Another id than the one that was meant, or one that is another record of ours: nothing is concluded but that somebody must look.
  await tx.execute(sql`
    update push_row r
       set state = case when n.outcome = 'unknown' then 'unknown' when n.outcome = 'refused' or d.differs then 'failed' else 'done' end,
           problem = case when d.differs then 'id-differs' else n.problem end,
           problem_details = case when n.details = '{}'::jsonb then null else n.details end,
           foreign_id = case when d.differs then r.foreign_id else coalesce(n.foreign_id, r.foreign_id) end
      from ${told_}
      cross join lateral (
        select n.outcome = 'done' and n.foreign_id is not null
               and exists (select 1 from push_ledger l where l.school_id = ${push.schoolId}::uuid and l.system_id = ${push.systemId}::uuid and l.entity = ${entity}
                            and ((l.key = n.key and l.foreign_id <> n.foreign_id and l.entity not in ('enrolment', 'membership'))
                                 or (l.key <> n.key and l.foreign_id = n.foreign_id and l.entity not in ('enrolment', 'membership')))) as differs) d
     where ${rows} and r.key = n.key and r.state in ('planned', 'sent')`);
  const ledger = sql`l.school_id = ${push.schoolId}::uuid and l.system_id = ${push.systemId}::uuid and l.entity = ${entity} and l.key = r.key`;
  await noteLedger(tx, push, entity, sql`${rows} and r.key in (select n.key from ${told_})`, now);
  // As it stands there now, where the LMS told how it took it.
  await tx.execute(sql`
    update push_ledger l set name_hash = md5(regexp_replace(trim(n.name), '\\s+', ' ', 'g'))::uuid
      from push_row r join ${told_} on n.key = r.key
     where ${rows} and ${ledger} and r.state = 'done' and n.name is not null and r.action in ('create', 'update', 'adopt')`);
  await tx.execute(sql`
    update push_ledger l set gone_at = ${at} from push_row r
     where ${rows} and ${ledger} and r.state = 'failed' and r.problem = 'gone-over-there' and r.key in (select n.key from ${told_})`);
}

/** What rows that are through make of the ledger. `which` is a condition on `r`. */
export async function noteLedger(
  tx: Tx,
  push: PushAt,
  entity: PushEntity,
  which: ReturnType<typeof sql>,
  now: Date,
): Promise<void> {
  const at = sql`${now.toISOString()}::timestamptz`;
  const ledger = sql`l.school_id = ${push.schoolId}::uuid and l.system_id = ${push.systemId}::uuid and l.entity = ${entity} and l.key = r.key`;
  const [wanted, there] = [stagedPush(push, 'wanted'), stagedPush(push, 'there')];
  const mark = (name: ReturnType<typeof sql>) => sql`md5(regexp_replace(trim(${name}), '\\s+', ' ', 'g'))::uuid`;
  await tx.execute(sql`
    update push_ledger l
       set foreign_id = coalesce(r.foreign_id, l.foreign_id), content_hash = w.hash, sent_at = null, written_at = ${at}, suspended = false,
           course_key = w.course_key, parent_key = w.parent_key, ends_on = w.ends_on::date, record_id = r.record_id,
           name_hash = case when w.name is null or r.keeps_name then l.name_hash else ${mark(sql`w.name`)} end
      from push_row r join ${wanted} w on w.entity = r.entity and w.key = r.key
     where ${which} and r.entity = ${entity} and ${ledger} and r.state = 'done' and r.action in ('create', 'update')`);
  // Adopted: it has our key now and keeps all else; what the SIS changes from here on is written.
  await tx.execute(sql`
    insert into push_ledger (school_id, system_id, connection_id, entity, key, record_id, foreign_id, origin, content_hash, name_hash, course_key, ends_on, written_at)
    select r.school_id, ${push.systemId}::uuid, ${push.connectionId}::uuid, r.entity, r.key, r.record_id, r.foreign_id, 'adopted', w.hash, ${mark(sql`t.name`)},
           w.course_key, w.ends_on::date, ${at}
      from push_row r join ${wanted} w on w.entity = r.entity and w.key = r.key
      left join ${there} t on t.entity = r.entity and t.foreign_id = r.foreign_id
     where ${which} and r.entity = ${entity} and r.state = 'done' and r.action = 'adopt'
    on conflict (system_id, entity, key) do nothing`);
  // Made again once: the next time that it is deleted over there, it is asked about anew.
  await tx.execute(sql`
    delete from push_choice c using push_row r
     where ${which} and r.entity = ${entity} and r.state = 'done' and r.reason = 'remade' and c.school_id = r.school_id
       and c.connection_id = ${push.connectionId}::uuid and c.entity = r.entity and c.key = r.key`);
  await tx.execute(sql`
    update push_ledger l set suspended = r.action = 'suspend', sent_at = null, written_at = ${at}
      from push_row r where ${which} and r.entity = ${entity} and ${ledger} and r.state = 'done' and r.action in ('suspend', 'restore')`);
  await tx.execute(sql`
    delete from push_ledger l using push_row r
     where ${which} and r.entity = ${entity} and ${ledger}
       and ((r.state = 'done' and r.action = 'remove')
            -- Refused, and never there.
            or (r.state = 'failed' and r.action = 'create' and l.origin = 'made' and l.foreign_id is null and l.written_at is null and r.problem <> 'id-differs'))`);
}
