import { type SQL, sql } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import type { pushSettings } from '#db/schema/index.ts';
import type { PushFacts } from '#server/connectors/open-connector.ts';
import type { GrantView } from '#server/roster/grant-view.ts';
import { usernameBy } from './account-rules.ts';
import type { PushKey } from './lease.ts';
import { stagedPush } from './push-staging.ts';

export interface Wanting {
  readonly push: PushKey;
  readonly view: GrantView;
  readonly settings: Pick<typeof pushSettings.$inferSelect, 'courses' | 'signIn' | 'usernamePattern' | 'emailHost'>;
  readonly facts: Pick<PushFacts, 'entities' | 'keyLength' | 'codesAreUnique' | 'signIn'>;
  readonly now: Date;
}

/** A key that fits: a longer one is cut and ends in its hash, so that two never become one. */
const fitting = (key: SQL, { keyLength }: Pick<PushFacts, 'keyLength'>) =>
  sql`case when length(${key}) <= ${keyLength}::int then ${key} else left(${key}, ${keyLength - 33}::int) || '~' || md5(${key}) end`;

/**
 * Groups that are in the grant, each with its school year: the topmost of its terms, so that next year's group never gets last year's course,
 * whatever id the SIS gives it. A group whose year is over is wanted no more; what was made for it is left.
 */
function groupsOfYear({ view, now, facts }: Wanting): SQL {
  const { schoolId, systemId } = view.grant;
  const today = now.toISOString().slice(0, 10);
  return sql`
    recursive up as (
      select t.source_id, t.source_id as root, t.parent_source_id, 0 as depth from roster_term t where ${view.terms('t')}
      union all
      select up.source_id, t.source_id, t.parent_source_id, up.depth + 1
        from up join roster_term t on t.school_id = ${schoolId}::uuid and t.system_id = ${systemId}::uuid and t.source_id = up.parent_source_id and t.gone_at is null
       where up.depth < 8),
    years as (
      select distinct on (up.source_id) up.source_id as term, y.id, y.source_id, y.name, y.starts_on, y.ends_on, y.school_year
        from up join roster_term y on y.school_id = ${schoolId}::uuid and y.system_id = ${systemId}::uuid and y.source_id = up.root
       order by up.source_id, up.depth desc),
    group_of_year as (
      select * from (
        select g.*, y.id as year_id, y.source_id as year, y.name as year_name, y.starts_on as year_starts, y.ends_on as year_ends,
               coalesce(y.school_year, left(y.starts_on, 4)) as year_label,
               ${fitting(sql`(g.source_id || coalesce('@' || y.source_id, ''))`, facts)} as key
          from roster_group g
          left join lateral (
            select y.* from years y where y.term = any(g.term_source_ids)
             order by (y.starts_on <= ${today}) desc, case when y.starts_on <= ${today} then y.starts_on end desc, y.starts_on limit 1) y on true
         where ${view.groups('g')}) of_year
       where year_ends is null or year_ends > ${today})`;
}

/** Writes down all that the grant lets this LMS have and that the connector carries: by sets, in the caller's transaction. */
export async function stageWanted(tx: Tx, wanting: Wanting): Promise<void> {
  const { push, view, settings, facts } = wanting;
  const wanted = stagedPush(push, 'wanted');
  const { schoolId, systemId } = view.grant;
  const carries = (...entities: readonly PushFacts['entities'][number][]) =>
    entities.every((entity) => facts.entities.includes(entity));
  const groups = groupsOfYear(wanting);
  const keyOf = (key: SQL) => fitting(key, facts);
  const bySubject = settings.courses === 'subject' && carries('section');

  await tx.execute(sql`truncate ${wanted}`);
  if (carries('term')) {
    await tx.execute(sql`
      with ${groups}
      insert into ${wanted} (entity, key, record_id, name, starts_on, ends_on)
      select distinct on (year) 'term', ${keyOf(sql`year`)}, year_id, year_name, year_starts, year_ends from group_of_year where year is not null`);
  }
  if (carries('category')) {
    await tx.execute(sql`
      with ${groups}
      insert into ${wanted} (entity, key, record_id, name)
      select 'category', ${keyOf(sql`s.source_id`)}, s.id, s.name from roster_site s
       where ${view.sites('s')} and exists (select 1 from group_of_year g where g.kind = 'group' and g.site_source_id = s.source_id)`);
  }
  const categoryKey = carries('category')
    ? sql`(select w.key from ${wanted} w where w.entity = 'category' and w.key = ${keyOf(sql`g.site_source_id`)})`
    : sql`null::text`;
  const termKey = carries('term') ? sql`case when g.year is not null then ${keyOf(sql`g.year`)} end` : sql`null::text`;
  /** A short name; where it may stand only once it names its year, and its key where that is not enough. */
  const code = facts.codesAreUnique
    ? sql`case when count(*) over (partition by lower(g.base), g.year_label) > 1 then g.base || coalesce(' ' || g.year_label, '') || ' ' || g.key
               else g.base || coalesce(' ' || g.year_label, '') end`
    : sql`g.base`;
  // A subject whose title the grant does not name makes no course: its groups have one each.
  const subjects = sql`
    left join lateral (
      select s.* from roster_subject s
       where ${bySubject} and s.school_id = ${schoolId}::uuid and s.system_id = ${systemId}::uuid and s.source_id = g.subject_source_id and ${view.subjects('s')}) s on true`;
  const subjectKey = keyOf(sql`(s.source_id || coalesce('@' || g.site_source_id, '') || coalesce('@' || g.year, ''))`);
  if (carries('course')) {
    await tx.execute(sql`
      with ${groups},
      of_subject as (
        select distinct on (key) * from (
          select ${subjectKey} as key, s.id, s.title, s.course_code, g.site_source_id, g.year, g.year_label, g.year_starts, g.year_ends
            from group_of_year g ${subjects} where g.kind = 'group' and s.id is not null) each order by key)
      insert into ${wanted} (entity, key, record_id, name, code, category_key, term_key, starts_on, ends_on)
      select 'course', g.key, g.id, g.title, ${code}, ${categoryKey}, ${termKey}, g.year_starts, g.year_ends from (
        select key, id, title, coalesce(nullif(course_code, ''), title) as base, site_source_id, year, year_label, year_starts, year_ends from of_subject
        union all
        select g.key, g.id, g.title, coalesce(nullif(g.code, ''), g.title), g.site_source_id, g.year, g.year_label, g.year_starts, g.year_ends
          from group_of_year g ${subjects} where g.kind = 'group' and s.id is null) g`);
  }
  if (bySubject) {
    await tx.execute(sql`
      with ${groups}
      insert into ${wanted} (entity, key, record_id, name, course_key, ends_on)
      select 'section', g.key, g.id, g.title, ${subjectKey}, g.year_ends from group_of_year g ${subjects} where g.kind = 'group' and s.id is not null`);
  }
  if (carries('cohort')) {
    await tx.execute(sql`
      with ${groups}
      insert into ${wanted} (entity, key, record_id, name, kind, ends_on)
      select 'cohort', g.key, g.id, g.title, 'class', g.year_ends from group_of_year g where g.kind = 'class'
      union all
      select 'cohort', ${keyOf(sql`('stream:' || s.source_id)`)}, s.id, s.name, 'stream', null from roster_stream s where ${view.streams('s')}`);
  }
  if (carries('user')) await stageUsers(tx, wanting);
  if (carries('user', 'enrolment')) {
    await tx.execute(sql`
      insert into ${wanted} (entity, key, record_id, course_key, parent_key, user_key, role, ends_on)
      select distinct on (key) 'enrolment', key, id, course_key, parent_key, user_key, role, ends_on from (
        select u.key || ' ' || c.key || ' ' || e.role as key, e.id, coalesce(c.course_key, c.key) as course_key,
               case when c.entity = 'section' then c.key end as parent_key, u.key as user_key, e.role, coalesce(k.ends_on, c.ends_on) as ends_on
          from roster_enrolment e
          join ${wanted} c on c.record_id = e.group_id and c.entity in ('course', 'section')
          left join ${wanted} k on k.entity = 'course' and k.key = c.course_key
          join ${wanted} u on u.record_id = e.person_id and u.entity = 'user'
         where ${view.enrolments('e')} and e.role in ('student', 'teacher')
           and (e.ends_on is null or e.ends_on > ${wanting.now.toISOString().slice(0, 10)}::date)) each
       order by key, id`);
  }
  if (carries('user', 'cohort', 'membership')) {
    await tx.execute(sql`
      insert into ${wanted} (entity, key, record_id, parent_key, user_key, ends_on)
      select distinct on (key) 'membership', key, id, parent_key, user_key, ends_on from (
        select u.key || ' ' || c.key as key, e.id, c.key as parent_key, u.key as user_key, c.ends_on
          from roster_enrolment e
          join ${wanted} c on c.record_id = e.group_id and c.entity = 'cohort'
          join ${wanted} u on u.record_id = e.person_id and u.entity = 'user'
         where ${view.enrolments('e')} and e.role = 'student'
           and (e.ends_on is null or e.ends_on > ${wanting.now.toISOString().slice(0, 10)}::date)
        union all
        select u.key || ' ' || c.key, p.id, c.key, u.key, null
          from roster_person p
          join roster_stream s on s.school_id = p.school_id and s.system_id = p.system_id and s.source_id = p.stream_source_id
          join ${wanted} c on c.record_id = s.id and c.entity = 'cohort' and c.kind = 'stream'
          join ${wanted} u on u.record_id = p.id and u.entity = 'user'
         where ${view.peopleOfKind('p', 'student')}) each
       order by key, id`);
  }
  await tx.execute(sql`analyze ${wanted}`);
}

/**
 * Accounts. Who has no username or e-mail gets one by the school's rule, or is set aside; where the way of signing in needs a real one, no rule
 * helps. Two people never share a login: of two who have the same by rule each gets his own, of two who have it in the SIS both are set
 * aside.
 */
async function stageUsers(tx: Tx, { push, view, settings, facts }: Wanting): Promise<void> {
  const wanted = stagedPush(push, 'wanted');
  const needs = facts.signIn.find(({ id }) => id === settings.signIn)?.needs ?? null;
  const pattern = needs === 'username' ? null : settings.usernamePattern;
  const emailHost = needs === 'email' ? null : settings.emailHost;
  const byRule = usernameBy(pattern, { given: sql`given`, family: sql`family`, number: sql`number` });
  await tx.execute(sql`
    with person as (
      select p.id, ${fitting(sql`p.source_id`, facts)} as key, lower(nullif(trim(${view.personCell('p', 'username')}), '')) as own_username,
             nullif(trim(${view.personCell('p', 'email')}), '') as own_email, ${view.personCell('p', 'identifier')} as number,
             nullif(trim(coalesce(p.preferred_given_name, p.given_name)), '') as given, nullif(trim(coalesce(p.preferred_family_name, p.family_name)), '') as family
        from roster_person p
       where p.enabled and (${view.peopleOfKind('p', 'student')} or ${view.peopleOfKind('p', 'teacher')})),
    named as (
      select *, coalesce(own_username, ${byRule}) as username, own_username is null as made from person),
    once as (
      select *, case when made and count(*) over (partition by username) > 1 then username || '-' || left(md5(key), 4) else username end as login,
             not made and count(*) filter (where not made) over (partition by username) > 1 as is_twice,
             own_email is not null and count(*) over (partition by lower(own_email)) > 1 as email_is_shared
        from named),
    account as (
      select *, case when own_email is not null and not email_is_shared then own_email
                     when ${emailHost}::text is not null and login is not null
                     then regexp_replace(login, '[^a-z0-9._-]+', '', 'g') || '@' || ${emailHost}::text end as email
        from once)
    insert into ${wanted} (entity, key, record_id, name, code, email, given, family, made_email, aside)
    select 'user', key, id, concat_ws(' ', given, family), login, email, given, family, own_email is null or email_is_shared,
           case when given is null or family is null then 'name-missing'
                when login is null then ${needs === 'username' ? 'sign-in-needs-username' : 'no-username'}
                when is_twice then 'username-twice'
                when email is null and email_is_shared then 'email-shared'
                when email is null then ${needs === 'email' ? 'sign-in-needs-email' : 'no-email'} end
      from account`);
}
