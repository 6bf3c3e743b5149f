import { sql } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import type { ReplacementRow } from './load-replacement.ts';

/**
 * A large district's people are compared by sets: a statement may take as long as that needs, and never compares each with each because
 * statistics lag behind a large sync.
 */
export async function allowLongStatements(tx: Tx): Promise<void> {
  await tx.execute(sql`
    select set_config('statement_timeout', '30min', true), set_config('work_mem', '128MB', true), set_config('jit', 'off', true),
           set_config('enable_nestloop', 'off', true),
           set_config('client_connection_check_interval', '2s', true)`);
}

/**
 * Looks for who of the old system is who in the new one, among those who are not linked yet. In this order:
 *
 * - the same number, one to one, of the same kind of person: confirmed where a name, the birth date or the e-mail address agrees, else a
 *   question (numbers are given to somebody else);
 * - the same source id, one to one: confirmed where both names agree, a question where one name or the birth date does;
 * - the same names and the birth date or the e-mail address: a question always;
 * - groups and classes of the same kind, code, title and site: a question always.
 *
 * What somebody rejected is not asked again. Sets, whatever the size.
 */
export async function proposeLinks(tx: Tx, replacement: ReplacementRow): Promise<void> {
  await allowLongStatements(tx);
  const { schoolId, id, oldSystemId, newSystemId } = replacement;
  const linked = sql`(select l.old_id, l.new_id from replacement_link l where l.school_id = ${schoolId}::uuid and l.replacement_id = ${id}::uuid and not l.rejected)`;
  const free = (table: 'roster_person' | 'roster_group', side: 'old' | 'new') => sql`
    select p.* from ${sql.raw(table)} p
     where p.school_id = ${schoolId}::uuid and p.system_id = ${side === 'old' ? oldSystemId : newSystemId}::uuid and p.gone_at is null
       and not exists (select 1 from ${linked} l where l.${sql.raw(`${side}_id`)} = p.id)`;
  const unrejected = sql`not exists (select 1 from replacement_link x where x.replacement_id = ${id}::uuid and x.old_id = o.id and x.new_id = n.id and x.rejected)`;
  const born = sql`exists (select 1 from roster_demographics od join roster_demographics nd on nd.birth_date = od.birth_date
                    where od.school_id = ${schoolId}::uuid and od.person_id = o.id and nd.school_id = ${schoolId}::uuid and nd.person_id = n.id)`;
  const family = sql`public.folded(o.family_name) = public.folded(n.family_name)`;
  const given = sql`public.folded(o.given_name) = public.folded(n.given_name)`;
  const email = sql`lower(o.email) = lower(n.email)`;

  await tx.execute(sql`
    with o as materialized (select (array_agg(f.id))[1] as id, f.kind, lower(btrim(f.identifier)) as number from (${free('roster_person', 'old')}) f
                where btrim(f.identifier) <> '' group by 2, 3 having count(*) = 1),
    n as materialized (select (array_agg(f.id))[1] as id, f.kind, lower(btrim(f.identifier)) as number from (${free('roster_person', 'new')}) f
                where btrim(f.identifier) <> '' group by 2, 3 having count(*) = 1),
    pairs as materialized (select o.id as old_id, n.id as new_id from o join n using (kind, number))
    insert into replacement_link (school_id, replacement_id, collection, old_id, new_id, found, confirmed)
    select ${schoolId}::uuid, ${id}::uuid, 'people', o.id, n.id, 'number', coalesce(${family}, false) or coalesce(${given}, false) or coalesce(${email}, false) or ${born}
      from pairs join roster_person o on o.id = pairs.old_id join roster_person n on n.id = pairs.new_id
     where ${unrejected}
    on conflict do nothing`);

  await tx.execute(sql`
    with pairs as materialized (
      select o.id as old_id, n.id as new_id from (${free('roster_person', 'old')}) o
        join (${free('roster_person', 'new')}) n on n.source_id = o.source_id and n.kind = o.kind)
    insert into replacement_link (school_id, replacement_id, collection, old_id, new_id, found, confirmed)
    select ${schoolId}::uuid, ${id}::uuid, 'people', o.id, n.id, 'source-id', coalesce(${family} and ${given}, false)
      from pairs join roster_person o on o.id = pairs.old_id join roster_person n on n.id = pairs.new_id
     where (coalesce(${family}, false) or coalesce(${given}, false) or ${born}) and ${unrejected}
    on conflict do nothing`);

  await tx.execute(sql`
    with o as materialized (select f.id, f.kind, f.email, public.folded(f.given_name) || chr(31) || public.folded(f.family_name) as name
                              from (${free('roster_person', 'old')}) f),
    n as materialized (select f.id, f.kind, f.email, public.folded(f.given_name) || chr(31) || public.folded(f.family_name) as name
                         from (${free('roster_person', 'new')}) f),
    pairs as (select o.id as old_id, n.id as new_id, (${born})::int * 2 + (coalesce(${email}, false))::int as weight
                from o join n using (kind, name) where ${unrejected}),
    ranked as (select *, row_number() over (partition by old_id order by weight desc, new_id) as of_old,
                      row_number() over (partition by new_id order by weight desc, old_id) as of_new from pairs where weight > 0)
    insert into replacement_link (school_id, replacement_id, collection, old_id, new_id, found, confirmed)
    select ${schoolId}::uuid, ${id}::uuid, 'people', old_id, new_id, 'proposed', false from ranked where of_old = 1 and of_new = 1
    on conflict do nothing`);

  const sited = (side: 'old' | 'new') => sql`
    (select (array_agg(f.id))[1] as id, f.kind, lower(coalesce(f.code, '')) as code, public.folded(f.title) as title, public.folded(coalesce(s.name, '')) as site
       from (${free('roster_group', side)}) f
       left join roster_site s on s.school_id = f.school_id and s.system_id = f.system_id and s.source_id = f.site_source_id
      group by 2, 3, 4, 5 having count(*) = 1)`;
  await tx.execute(sql`
    insert into replacement_link (school_id, replacement_id, collection, old_id, new_id, found, confirmed)
    select ${schoolId}::uuid, ${id}::uuid, 'groups', o.id, n.id, 'proposed', false
      from ${sited('old')} o join ${sited('new')} n using (kind, code, title, site)
     where ${unrejected}
    on conflict do nothing`);
}
