import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import type { PushEnding, PushRowAction } from '#db/schema/vocabulary.ts';
import type { PushEntity } from '#server/connectors/push-contract.ts';
import type { WeighedPush } from './guard.ts';
import type { PushKey } from './lease.ts';
import { stagedPush } from './push-staging.ts';

export interface Planning {
  readonly push: PushKey;
  readonly connectionId: string;
  /** The LMS. */
  readonly systemId: string;
  /** What becomes of who has left. */
  readonly leavers: 'suspend' | 'leave';
  /** A person sees this plan before it writes: then what has our key already may be adopted in it. */
  readonly isLookedAt: boolean;
  /** Entities that were read over there to the end of what was asked. */
  readonly read: readonly PushEntity[];
  readonly now: Date;
}

/** What is read and recognised one by one; enrolments and memberships follow the people and courses. */
const records = sql`('term', 'category', 'course', 'section', 'cohort', 'user')`;

/** A name as a mark; blanks at its ends and between words say nothing. */
const nameMark = (name: SQL) => sql`md5(regexp_replace(trim(${name}), '\\s+', ' ', 'g'))::uuid`;

/**
 * Notes in the ledger what reading has shown: what was sent and never answered is ours if it stands there with our key; what is ours and stands
 * there no more is gone; who has another id and our key is the same one. Nothing is concluded of what was not read.
 */
export async function settleLedger(tx: Tx, planning: Planning): Promise<void> {
  const { push, connectionId, systemId, read, now } = planning;
  const there = stagedPush(push, 'there');
  const ours = sql`l.school_id = ${push.schoolId}::uuid and l.system_id = ${systemId}::uuid and l.connection_id = ${connectionId}::uuid`;
  const at = sql`${now.toISOString()}::timestamptz`;
  const readEntities = sql`(select jsonb_array_elements_text(${JSON.stringify(read)}::jsonb))`;
  // Our key with another id: sent and unanswered, restored from a copy, made anew over there. Two of one key are nobody's for sure.
  await tx.execute(sql`
    update push_ledger l set foreign_id = t.foreign_id, sent_at = null, gone_at = null, written_at = coalesce(l.written_at, ${at}), content_hash = case when l.foreign_id is null then l.content_hash end
      from ${there} t
     where ${ours} and l.entity in ${records} and t.entity = l.entity and t.key = l.key and t.state <> 'deleted' and l.foreign_id is distinct from t.foreign_id
       and not exists (select 1 from ${there} o where o.entity = l.entity and o.state <> 'deleted' and (o.foreign_id = l.foreign_id or (o.key = l.key and o.foreign_id <> t.foreign_id)))`);
  // Sent, and not there: it was never made.
  await tx.execute(sql`
    delete from push_ledger l where ${ours} and l.entity in ${records} and l.entity in ${readEntities} and l.foreign_id is null and l.origin = 'made'
       and not exists (select 1 from ${there} t where t.entity = l.entity and t.key = l.key and t.state <> 'deleted')
       and not exists (select 1 from ${there} t where t.entity = l.entity and t.hidden)`);
  await tx.execute(sql`
    update push_ledger l set gone_at = ${at} where ${ours} and l.entity in ('term', 'category', 'course', 'cohort') and l.entity in ${readEntities} and l.gone_at is null
       and l.foreign_id is not null and not exists (select 1 from ${there} t where t.entity = l.entity and t.foreign_id = l.foreign_id and t.state <> 'deleted')`);
  await tx.execute(sql`
    update push_ledger l set gone_at = ${at} from ${stagedPush(push, 'wanted')} w
     where ${ours} and l.entity in ('user', 'section') and l.entity in ${readEntities} and w.entity = l.entity and w.key = l.key and l.gone_at is null and l.foreign_id is not null
       and l.content_hash is distinct from w.hash
       and not exists (select 1 from ${there} t where t.entity = l.entity and t.foreign_id = l.foreign_id and t.state <> 'deleted')`);
  await tx.execute(sql`
    update push_ledger l set gone_at = null from ${there} t
     where ${ours} and l.gone_at is not null and t.entity = l.entity and t.foreign_id = l.foreign_id and t.state <> 'deleted'`);
}

/** What stood in something that was deleted over there went with it: once that is made again, it is too. */
async function forgetBelow(tx: Tx, { push, connectionId, systemId }: Planning): Promise<void> {
  await tx.execute(sql`
    delete from push_ledger d using push_ledger l, push_choice c
     where l.school_id = ${push.schoolId}::uuid and l.system_id = ${systemId}::uuid and l.connection_id = ${connectionId}::uuid and l.gone_at is not null
       and c.school_id = l.school_id and c.connection_id = l.connection_id and c.entity = l.entity and c.key = l.key and c.answer = 'remake'
       and d.school_id = l.school_id and d.system_id = l.system_id
       and ((l.entity = 'course' and d.entity in ('section', 'enrolment') and d.course_key = l.key)
            or (l.entity = 'section' and d.entity = 'enrolment' and d.parent_key = l.key)
            or (l.entity = 'cohort' and d.entity = 'membership' and d.parent_key = l.key)
            or (l.entity = 'user' and d.entity in ('enrolment', 'membership') and d.user_key = l.key))`);
}

/**
 * The difference between what is wanted and what is known to be there, as rows of `plan`. What stands as it should has none. Ours is what the
 * ledger holds; what has our key over there is adopted where a person looks at the plan, what looks like it is proposed, and
 * neither is ever made a second time. What was deleted over there is asked about.
 */
export async function planPush(tx: Tx, planning: Planning): Promise<void> {
  const { push, connectionId, systemId, isLookedAt, leavers, now } = planning;
  const [wanted, there, plan] = [stagedPush(push, 'wanted'), stagedPush(push, 'there'), stagedPush(push, 'plan')];
  const ours = sql`l.school_id = ${push.schoolId}::uuid and l.system_id = ${systemId}::uuid and l.connection_id = ${connectionId}::uuid`;
  const today = sql`${now.toISOString().slice(0, 10)}::date`;
  await forgetBelow(tx, planning);
  await tx.execute(sql`truncate ${plan}`);
  await tx.execute(sql`
    insert into ${plan} (entity, key, record_id, action, reason, foreign_id, is_renamed)
    select entity, key, record_id, action, reason, foreign_id, is_renamed from (
      select w.entity, w.key, w.record_id, t.is_renamed,
             case
               when w.aside is not null then 'set-aside'
               when l.key is not null and l.connection_id <> ${connectionId}::uuid then 'set-aside'
               when l.gone_at is not null then case when c.answer = 'remake' then 'create' else 'ask' end
               when l.foreign_id is not null and l.suspended then 'restore'
               when l.foreign_id is not null and l.content_hash is distinct from w.hash then 'update'
               when l.foreign_id is not null and t.is_renamed then 'leave'
               when l.foreign_id is not null then null
               when k.n > 1 then 'set-aside'
               when k.n = 1 and (${isLookedAt} or (c.answer = 'adopt' and c.foreign_id = k.foreign_id)) then 'adopt'
               when k.n = 1 then 'propose'
               when c.answer = 'adopt' then 'adopt'
               when c.answer is null and p.foreign_id is not null then 'propose'
               when o.is_of_another or (o.code is not null and c.answer = 'separate') then 'set-aside'
               else 'create' end as action,
             case
               when w.aside is not null then w.aside
               when l.key is not null and l.connection_id <> ${connectionId}::uuid then 'of-another-source'
               when l.gone_at is not null then case when c.answer = 'remake' then 'remade' else 'gone-over-there' end
               when l.foreign_id is not null and t.is_renamed then 'renamed-there'
               when l.foreign_id is not null then null
               when k.n > 1 then 'key-twice-there'
               when k.n = 1 then 'same-id'
               when c.answer = 'adopt' then 'chosen'
               when c.answer is null and p.foreign_id is not null then p.reason
               when o.is_of_another or (o.code is not null and c.answer = 'separate') then 'username-of-another'
               when c.answer = 'separate' then 'chosen' end as reason,
             case
               when l.gone_at is not null and c.answer = 'remake' then null
               when l.foreign_id is not null then l.foreign_id
               when k.n = 1 then k.foreign_id
               when c.answer = 'adopt' then c.foreign_id
               when c.answer = 'separate' then null
               else p.foreign_id end as foreign_id
        from ${wanted} w
        left join push_ledger l on l.school_id = ${push.schoolId}::uuid and l.system_id = ${systemId}::uuid and l.entity = w.entity and l.key = w.key
        left join push_choice c on c.school_id = ${push.schoolId}::uuid and c.connection_id = ${connectionId}::uuid and c.entity = w.entity and c.key = w.key
        left join lateral (
          select l.name_hash is not null and t.name is not null and w.entity <> 'user' and l.name_hash <> ${nameMark(sql`t.name`)} as is_renamed
            from ${there} t where t.entity = w.entity and t.foreign_id = l.foreign_id and t.state <> 'deleted') t on true
        left join lateral (
          select count(*) as n, min(foreign_id) as foreign_id from ${there} k
           where l.key is null and k.entity = w.entity and k.key = w.key and k.state <> 'deleted') k on true
        -- The LMS would refuse a second account of one username: said before the first write, not after it.
        left join (
          select lower(code) as code, bool_or(key is not null) as is_of_another from ${there} where entity = 'user' and state <> 'deleted' and code is not null group by 1) o
               on w.entity = 'user' and l.key is null and o.code = lower(w.code)
        left join lateral (${candidate(planning)}) p on l.key is null and k.n = 0 and c.key is null and w.aside is null
       where w.entity in ${records}) each
     where action is not null`);
  // Two of ours that look like the same record over there: whose it is, a person says.
  await tx.execute(sql`
    update ${plan} p set action = 'propose', reason = 'claimed-twice' from (
      select entity, foreign_id from ${plan} where action in ('adopt', 'propose') group by 1, 2 having count(*) > 1) twice
     where p.entity = twice.entity and p.foreign_id = twice.foreign_id and p.action = 'adopt' and p.reason <> 'chosen'`);
  await planBelow(tx, planning);
  if (leavers === 'suspend') {
    await tx.execute(sql`
      insert into ${plan} (entity, key, record_id, action, reason, foreign_id)
      select l.entity, l.key, l.record_id, case l.entity when 'membership' then 'remove' else 'suspend' end, 'left', l.foreign_id
        from push_ledger l
       where ${ours} and l.gone_at is null and not l.suspended and l.written_at is not null
         and ((l.entity = 'user' and l.origin in ('made', 'adopted')) or (l.entity in ('enrolment', 'membership') and l.origin = 'made'))
         -- The year is over: its courses and classes are an archive.
         and (l.entity = 'user' or l.ends_on is null or l.ends_on > ${today})
         and not exists (select 1 from ${wanted} w where w.entity = l.entity and w.key = l.key)`);
  }
  await tx.execute(sql`analyze ${plan}`);
}

/** A record over there without an id of any SIS that looks like a wanted one. */
function candidate({ push }: Planning): SQL {
  const there = stagedPush(push, 'there');
  return sql`
    select foreign_id, reason from (
      select p.foreign_id, 1 as rank, 'same-username' as reason from ${there} p
       where w.entity = 'user' and p.entity = 'user' and not p.hidden and p.key is null and p.state <> 'deleted' and lower(p.code) = lower(w.code)
      union all
      select p.foreign_id, 2, 'same-email' from ${there} p
       where w.entity = 'user' and not w.made_email and p.entity = 'user' and not p.hidden and p.key is null and p.state <> 'deleted' and lower(p.email) = lower(w.email)
      union all
      select p.foreign_id, 3, 'same-name' from ${there} p
       where p.entity = w.entity and w.entity <> 'section' and not p.hidden and p.key is null and p.state <> 'deleted' and lower(p.name) = lower(w.name)
      union all
      select p.foreign_id, 4, 'same-code' from ${there} p
       where w.entity = 'course' and p.entity = 'course' and not p.hidden and p.key is null and p.state <> 'deleted' and lower(p.code) = lower(w.code)) found
     order by rank, foreign_id limit 1`;
}

/** Of what depends on others: courses and sections wait for what they stand in, enrolments and memberships for both of theirs. */
async function planBelow(tx: Tx, { push, connectionId, systemId, now }: Planning): Promise<void> {
  const [wanted, there, plan] = [stagedPush(push, 'wanted'), stagedPush(push, 'there'), stagedPush(push, 'plan')];
  const waiting = (entity: string, key: SQL, as: string) => sql`
    left join ${plan} ${sql.raw(as)} on ${sql.raw(as)}.entity = ${entity} and ${sql.raw(as)}.key = ${key} and ${sql.raw(as)}.action in ('propose', 'ask', 'wait', 'set-aside')`;
  await tx.execute(sql`
    update ${plan} p set action = 'wait', reason = 'parent-waits', foreign_id = null
      from ${wanted} w ${waiting('category', sql`w.category_key`, 'a')} ${waiting('term', sql`w.term_key`, 'b')}
     where p.entity = 'course' and p.action = 'create' and w.entity = 'course' and w.key = p.key and (a.key is not null or b.key is not null)`);
  await tx.execute(sql`
    update ${plan} p set action = 'wait', reason = 'parent-waits', foreign_id = null
      from ${wanted} w ${waiting('course', sql`w.course_key`, 'a')}
     where p.entity = 'section' and p.action = 'create' and w.entity = 'section' and w.key = p.key and a.key is not null`);
  const ledgerOf = (entity: string, key: SQL, as: string) => sql`
    left join push_ledger ${sql.raw(as)} on ${sql.raw(as)}.school_id = ${push.schoolId}::uuid and ${sql.raw(as)}.system_id = ${systemId}::uuid
      and ${sql.raw(as)}.entity = ${entity} and ${sql.raw(as)}.key = ${key}`;
  await tx.execute(sql`
    insert into ${plan} (entity, key, record_id, action, reason, foreign_id)
    select entity, key, record_id, action, reason, foreign_id from (
      select w.entity, w.key, w.record_id, l.foreign_id,
             case when l.key is not null and l.connection_id <> ${connectionId}::uuid then 'set-aside'
                  when l.written_at is not null and not l.suspended then null
                  when u.action = 'set-aside' or a.action = 'set-aside' or b.action = 'set-aside' then 'set-aside'
                  when u.key is not null or a.key is not null or b.key is not null then 'wait'
                  when l.suspended then 'restore' else 'create' end as action,
             case when l.key is not null and l.connection_id <> ${connectionId}::uuid then 'of-another-source'
                  when u.action = 'set-aside' then 'user-set-aside'
                  when a.action = 'set-aside' or b.action = 'set-aside' then 'parent-set-aside'
                  when u.key is not null then 'user-waits'
                  when a.key is not null or b.key is not null then 'parent-waits' end as reason
        from ${wanted} w
        left join push_ledger l on l.school_id = ${push.schoolId}::uuid and l.system_id = ${systemId}::uuid and l.entity = w.entity and l.key = w.key
        ${waiting('user', sql`w.user_key`, 'u')}
        ${waiting('course', sql`w.course_key`, 'a')}
        left join ${plan} b on b.entity = (case w.entity when 'membership' then 'cohort' else 'section' end) and b.key = w.parent_key
             and b.action in ('propose', 'ask', 'wait', 'set-aside')
       where w.entity in ('enrolment', 'membership')) each
     where action is not null`);
  // Whom somebody over there enrolled already stays his: noted as found, and nothing of it is ever taken away.
  const found = (entity: 'enrolment' | 'membership') => sql`
    select w.entity, w.key, w.record_id, t.foreign_id, w.user_key, w.course_key, w.parent_key, w.role, w.ends_on
      from ${plan} p join ${wanted} w on w.entity = p.entity and w.key = p.key
      ${ledgerOf('user', sql`w.user_key`, 'lu')}
      ${entity === 'enrolment' ? ledgerOf('course', sql`w.course_key`, 'lp') : ledgerOf('cohort', sql`w.parent_key`, 'lp')}
      join ${there} t on t.entity = w.entity and t.state = 'active' and t.user_foreign_id = coalesce(lu.foreign_id, ${adopted('user', sql`w.user_key`)})
       and t.parent_foreign_id = coalesce(lp.foreign_id, ${entity === 'enrolment' ? adopted('course', sql`w.course_key`) : adopted('cohort', sql`w.parent_key`)})
       and (t.role is null or t.role = w.role)
      left join push_ledger l on l.school_id = ${push.schoolId}::uuid and l.system_id = ${systemId}::uuid and l.entity = w.entity and l.key = w.key
     where p.entity = ${entity} and p.action = 'create' and l.key is null`;
  function adopted(entity: string, key: SQL): SQL {
    return sql`(select ap.foreign_id from ${plan} ap where ap.entity = ${entity} and ap.key = ${key} and ap.action = 'adopt')`;
  }
  for (const entity of ['enrolment', 'membership'] as const) {
    await tx.execute(sql`
      with found as (${found(entity)})
      insert into push_ledger (school_id, system_id, connection_id, entity, key, record_id, foreign_id, origin, user_key, course_key, parent_key, role, ends_on, written_at)
      select ${push.schoolId}::uuid, ${systemId}::uuid, ${connectionId}::uuid, entity, key, record_id, min(foreign_id), 'found', user_key, course_key, parent_key, role, ends_on::date,
             -- In a section he is not yet, though in the course: that is still to be written.
             case when parent_key is null or entity = 'membership' then ${now.toISOString()}::timestamptz end
        from found group by entity, key, record_id, user_key, course_key, parent_key, role, ends_on
      on conflict (system_id, entity, key) do nothing`);
  }
  await tx.execute(sql`
    delete from ${plan} p using push_ledger l
     where p.entity in ('enrolment', 'membership') and p.action = 'create' and l.school_id = ${push.schoolId}::uuid and l.system_id = ${systemId}::uuid
       and l.entity = p.entity and l.key = p.key and l.origin = 'found' and l.written_at is not null and not l.suspended`);
}

/** An ending: what is ours is left, kept from people, or removed. What was adopted or found is never removed. */
export async function planEnding(
  tx: Tx,
  { push, connectionId, systemId }: Planning,
  ending: PushEnding,
): Promise<void> {
  const plan = stagedPush(push, 'plan');
  await tx.execute(sql`truncate ${plan}`);
  if (ending === 'leave') return;
  const which =
    ending === 'suspend'
      ? sql`not l.suspended and ((l.entity = 'user' and l.origin in ('made', 'adopted')) or (l.entity = 'enrolment' and l.origin = 'made'))`
      : sql`l.origin = 'made'`;
  await tx.execute(sql`
    insert into ${plan} (entity, key, record_id, action, reason, foreign_id)
    select l.entity, l.key, l.record_id, ${ending}, 'ending', l.foreign_id from push_ledger l
     where l.school_id = ${push.schoolId}::uuid and l.system_id = ${systemId}::uuid and l.connection_id = ${connectionId}::uuid and l.gone_at is null
       and (l.foreign_id is not null or l.entity in ('enrolment', 'membership')) and ${which}`);
}

/** The plan becomes the run's rows. */
export async function keepPlan(tx: Tx, push: PushKey): Promise<void> {
  await tx.execute(
    sql`delete from push_row r where r.school_id = ${push.schoolId}::uuid and r.push_run_id = ${push.pushRunId}::uuid`,
  );
  await tx.execute(sql`
    insert into push_row (school_id, push_run_id, entity, key, record_id, action, reason, state, foreign_id, keeps_name)
    select ${push.schoolId}::uuid, ${push.pushRunId}::uuid, entity, key, record_id, action, reason, 'planned', foreign_id, coalesce(is_renamed, false)
      from ${stagedPush(push, 'plan')}`);
}

/**
 * After a yes: of the rows that were shown, those that still hold are done. What has come up since waits for the next push; what waited for an
 * answer becomes what the answer makes of it.
 */
export async function keepApproved(tx: Tx, push: PushKey): Promise<void> {
  const rows = sql`r.school_id = ${push.schoolId}::uuid and r.push_run_id = ${push.pushRunId}::uuid`;
  const plan = stagedPush(push, 'plan');
  const waited = sql`r.action in ('propose', 'ask', 'wait')`;
  await tx.execute(sql`
    delete from push_row r where ${rows}
       and not exists (select 1 from ${plan} p where p.entity = r.entity and p.key = r.key and (p.action = r.action or ${waited}))`);
  await tx.execute(sql`
    update push_row r set action = p.action, reason = p.reason, foreign_id = p.foreign_id, keeps_name = coalesce(p.is_renamed, false)
      from ${plan} p where ${rows} and p.entity = r.entity and p.key = r.key`);
}

const countRows = z.array(
  z.object({
    entity: z.string(),
    action: z.string(),
    reason: z.string().nullable(),
    state: z.string(),
    n: z.coerce.number(),
  }),
);

export interface PushCount {
  readonly entity: string;
  readonly action: string;
  readonly reason: string | null;
  readonly state: string;
  readonly n: number;
}

/** Rows of a run by what is done and what became of it. */
export async function countPush(tx: Tx, push: PushKey): Promise<PushCount[]> {
  return countRows.parse(
    await tx.execute(sql`
      select entity, action, reason, state, count(*) as n from push_row
       where school_id = ${push.schoolId}::uuid and push_run_id = ${push.pushRunId}::uuid group by 1, 2, 3, 4`),
  );
}

const weighedRows = z.array(
  z.object({ entity: z.string(), known: z.coerce.number(), leaving: z.coerce.number(), changed: z.coerce.number() }),
);

/** What the guard weighs: of what is ours and lives, how much is taken away or changed. Those of ended years do not count. */
export async function weighPlan(tx: Tx, { push, connectionId, systemId, now }: Planning): Promise<WeighedPush[]> {
  const plan = stagedPush(push, 'plan');
  return weighedRows.parse(
    await tx.execute(sql`
      select l.entity, count(*) as known, count(*) filter (where p.action in ('suspend', 'remove')) as leaving, count(*) filter (where p.action = 'update' and l.content_hash is not null) as changed
        from push_ledger l left join ${plan} p on p.entity = l.entity and p.key = l.key
       where l.school_id = ${push.schoolId}::uuid and l.system_id = ${systemId}::uuid and l.connection_id = ${connectionId}::uuid and not l.suspended and l.gone_at is null
         and (l.ends_on is null or l.ends_on > ${now.toISOString().slice(0, 10)}::date) group by 1`),
  );
}

/** What writes something over there. */
export const writingActions = [
  'create',
  'update',
  'adopt',
  'suspend',
  'restore',
  'remove',
] as const satisfies readonly PushRowAction[];
