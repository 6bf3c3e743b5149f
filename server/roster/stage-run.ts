import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { rolesOfKind } from '#server/connectors/contract.ts';
import type { StagedTable } from '#server/connectors/staged-columns.ts';
import { anyOf, anyRow } from './any-row.ts';
import {
  enrolmentRolesKept,
  fieldsLeftOut,
  type GrantedFields,
  narrowableFields,
  personKindOfScope,
  personKindsKept,
  personRolesKept,
  type RosterCollection,
  stagedIn,
  type TableName,
  tablesKept,
} from './collections.ts';
import { kindOfRoles, personCells, rosterTables } from './roster-tables.ts';
import type { HeldRun } from './run-lease.ts';
import { cutMark } from './stage-page.ts';
import { analyseStaged, staged } from './staging.ts';
import { withholdByNumber } from './withhold-numbers.ts';

/** What the grants leave of what was fetched. */
export interface Cut {
  readonly kept: ReadonlySet<RosterCollection>;
  readonly grants: readonly GrantedFields[];
  /** Source ids of the sites whose records may rest; null: all. */
  readonly sites: ReadonlySet<string> | null;
}

export interface StagedFacts {
  /** Times that an id came again, by the collection that told it (people) or the table; streams of changed ones count once. */
  readonly repeated: Readonly<Record<string, number>>;
  /** Records that the grants or the school keep out. */
  readonly cut: number;
  /** Deviations found here, each with its count. */
  readonly deviations: Readonly<Record<string, number>>;
}

/** Eight bytes instead of a text, so that millions of ids are counted in memory; two ids with one hash cost a closer look and nothing else. */
const idHash = sql`hashtextextended(source_id, 0)`;
const lostRows = z.array(
  z.object({
    people: z.coerce.number(),
    peopleAt: z.string().nullable(),
    groups: z.coerce.number(),
    groupsAt: z.string().nullable(),
  }),
);
/** Most rows that are remembered by where they stand. */
const mostPlaces = 10_000;
const foundRows = z.array(z.object({ found: z.array(z.boolean()) }));
/**
 * What two rows of one person have in common, whatever their ids: the master identifier and the name, else number, name and kind. Null: nothing
 * that would tell.
 */
const personKey = (alias: string) => {
  const name = `lower(concat_ws(' ', ${alias}.given_name, ${alias}.family_name))`;
  return `case when ${alias}.master_identifier is not null then 'm|' || ${alias}.master_identifier || '|' || ${name}
    when ${alias}.identifier is not null and ${alias}.given_name is not null and ${alias}.family_name is not null
    then 'n|' || ${kindOfRoles(`${alias}.roles`)} || '|' || ${alias}.identifier || '|' || ${name} end`;
};

/** What was seen of a table's rows as they came. */
interface Survey {
  readonly idMissing: boolean;
  readonly idUnusable: boolean;
  readonly statusOdd: boolean;
  readonly roleBeyond: boolean;
  /** For each reason of the table whether a row may be unusable for it; null: to be asked once roles are gathered. */
  readonly unusable: readonly boolean[] | null;
}

const sourceIdMissing = sql`(s.source_id is null or s.source_id = '')`;
const sourceIdUnusable = sql`(octet_length(s.source_id) > 255)`;
const statusOdd = sql`(s.status is not null and s.status not in ('active', 'tobedeleted'))`;
/** An enrolment of a role that no grant needs; one without a role is another matter. */
const roleBeyond = (kept: ReadonlySet<RosterCollection>) =>
  sql`(s.role is not null and lower(s.role) not in (${sql.join(
    ['', ...enrolmentRolesKept(kept)].map((role) => sql`${role}`),
    sql`, `,
  )}))`;

/** Rows that a statement touched, as postgres.js tells them. */
const touched = (result: { readonly count: number }) => result.count;

const jsonList = (values: Iterable<string>) => sql`${JSON.stringify([...values])}::jsonb`;
const among = (values: Iterable<string>) => sql`(select jsonb_array_elements_text(${jsonList(values)}))`;

/**
 * Makes what was staged fit to be planned, by SQL over whole tables: one row per record, roles in one cell, what no grant needs and whom
 * the school withholds cut, what cannot be used set aside with its reason. Doing it again changes nothing.
 */
export class StageRun {
  readonly #tx: Tx;
  readonly #run: HeldRun;
  readonly #tables: readonly StagedTable[];
  readonly #repeated: Record<string, number> = {};
  readonly #deviations: Record<string, number> = {};
  readonly #surveyed = new Map<TableName, Survey>();
  #kept: ReadonlySet<RosterCollection> = new Set();
  #referencesByPlan = false;
  #cut = 0;

  constructor(tx: Tx, run: HeldRun, tables: readonly StagedTable[]) {
    this.#tx = tx;
    this.#run = run;
    this.#tables = tables;
  }

  /** @param source whether repeats mean a list that moved under us (the last counts) or two records under one id (neither does) */
  async run(cut: Cut, source: 'rest' | 'package'): Promise<StagedFacts> {
    this.#kept = cut.kept;
    await analyseStaged(this.#tx, this.#run, this.#tables);
    for (const table of this.#tables) if (table !== 'roles') await this.#survey(table, cut);
    for (const table of this.#tables) if (table !== 'roles') await this.#usableIds(table);
    if (this.#has('people')) await this.#gatherRoles();
    for (const table of this.#tables) {
      if (table !== 'roles') await this.#oneRowEach(table, source);
    }
    await this.#forgetMarks(source);
    if (this.#has('people')) await this.#onePersonEach();
    await this.#cutKinds(cut);
    await this.#cutSites(cut.sites);
    await this.#cutWithheld();
    await this.#cutFields(cut.grants);
    const kept = tablesKept(cut.kept);
    for (const table of this.#tables) if (table !== 'roles' && kept.has(table)) await this.#usable(table, cut);
    await this.#provenReferences(cut);
    return { repeated: this.#repeated, cut: this.#cut, deviations: this.#deviations };
  }

  #has(table: StagedTable) {
    return this.#tables.includes(table);
  }

  #of(table: StagedTable): SQL {
    return staged(this.#run, table);
  }

  /** Sets aside what `when` is true of: the reason is kept, the row goes. */
  async #aside(table: TableName, when: SQL, reason: string, field: string | null): Promise<number> {
    const count = touched(
      await this.#tx.execute(sql`
        with gone as (delete from ${this.#of(table)} s where ${when} returning ${sql.raw(rosterTables[table].collection.staged)} as collection, s.source_id, s.line)
        insert into ${staged(this.#run, 'aside')} (collection, source_id, line, field, reason)
        select collection, source_id, line, ${field}, ${reason} from gone`),
    );
    return count;
  }

  async #delete(table: StagedTable, when: SQL): Promise<void> {
    this.#cut += touched(await this.#tx.execute(sql`delete from ${this.#of(table)} s where ${when}`));
  }

  /** All that may be odd about a table's rows as they came, in one pass; each oddity is then dealt with alone, and mostly there is none. */
  async #survey(table: TableName, cut: Cut): Promise<void> {
    const { unusable } = rosterTables[table];
    // Whether a person has a role is known once roles are gathered.
    const reasons = table === 'people' ? [] : unusable.map(({ when }) => sql.raw(when));
    const [missing, bad, odd, beyond, ...rest] = await this.#found(table, [
      sourceIdMissing,
      sourceIdUnusable,
      statusOdd,
      table === 'enrolments' ? roleBeyond(cut.kept) : sql`false`,
      ...reasons,
    ]);
    this.#surveyed.set(table, {
      idMissing: missing === true,
      idUnusable: bad === true,
      statusOdd: odd === true,
      roleBeyond: beyond === true,
      unusable: table === 'people' ? null : rest,
    });
  }

  async #found(table: StagedTable, oddities: readonly SQL[]): Promise<boolean[]> {
    if (oddities.length === 0) return [];
    // Mostly there is none, and one question is quicker than many.
    const some = sql.join([...oddities], sql` or `);
    if (!(await anyOf(this.#tx, some, sql`${this.#of(table)} s`))) return oddities.map(() => false);
    const list = sql.join(
      oddities.map((when) => sql`coalesce(bool_or(${when}), false)`),
      sql`, `,
    );
    const [row] = foundRows.parse(
      await this.#tx.execute(sql`select jsonb_build_array(${list}) as found from ${this.#of(table)} s`),
    );
    return row?.found ?? [];
  }

  async #usableIds(table: TableName): Promise<void> {
    const surveyed = this.#surveyed.get(table);
    if (surveyed?.idMissing === true) await this.#aside(table, sourceIdMissing, 'source-id-missing', 'sourcedId');
    if (surveyed?.idUnusable === true) await this.#aside(table, sourceIdUnusable, 'source-id-unusable', 'sourcedId');
    if (surveyed?.statusOdd !== true) return;
    const odd = touched(
      await this.#tx.execute(sql`
        update ${this.#of(table)} s set status = case lower(btrim(status)) when 'tobedeleted' then 'tobedeleted' when 'inactive' then 'tobedeleted' else null end
         where ${statusOdd}`),
    );
    this.#deviations['status-unknown'] = (this.#deviations['status-unknown'] ?? 0) + odd;
  }

  /** Roles stand in rows of their own (OneRoster 1.2 CSV), or beside the person (1.1 CSV); over REST they are in the cell already. */
  async #gatherRoles(): Promise<void> {
    const people = this.#of('people');
    if (this.#has('roles')) await this.#knownRoles();
    if (this.#has('roles')) {
      await this.#tx.execute(sql`
        update ${people} s set roles = told.roles
          from (select source_id, string_agg(told, chr(31) order by told) || chr(31) as roles
                  from (select source_id, lower(btrim(role)) || '|' || coalesce(lower(role_type), '') || '|' || coalesce(site_source_id, '') || '|'
                               || coalesce(begins_on, '') || '|' || coalesce(ends_on, '') as told
                          from ${this.#of('roles')} where role is not null and status is distinct from 'tobedeleted') each group by source_id) as told
         where told.source_id = s.source_id and s.roles is null`);
    }
    await this.#tx.execute(sql`
      update ${people} s set roles = case when s.site_source_ids is null then lower(btrim(s.role)) || '||||' || chr(31)
             else (select string_agg(lower(btrim(s.role)) || '|' || case n when 1 then 'primary' else 'secondary' end || '|' || site || '||', chr(31) order by n) || chr(31)
                     from unnest(staging.list(s.site_source_ids)) with ordinality as u(site, n)) end
       where s.roles is null and s.role is not null`);
  }

  /**
   * A delta of 1.2 tells a person without the roles that stayed as they were, and a role without its person: what rests tells the rest, and
   * roles that are marked as deleted are taken away. Of a bulk set nothing changes here, since there every row has a role.
   */
  async #knownRoles(): Promise<void> {
    const [people, roles] = [this.#of('people'), this.#of('roles')];
    const { schoolId, systemId } = this.#run;
    const isDelta = await this.#any(
      sql`select 1 from ${roles} where status is not null union all select 1 from ${people} where status is not null`,
    );
    if (!isDelta) return;
    const { text: copied } = personCells;
    // Roles are what is put together here, and the sites follow from them.
    const lists = personCells.list.filter((name) => name !== 'roles');
    await this.#tx.execute(sql`
      insert into ${people} (source_id, status, enabled, ${sql.raw([...copied, ...lists].join(', '))})
      select r.source_id, 'active', r.enabled::text, ${sql.raw([...copied.map((name) => `r.${name}`), ...lists.map((name) => `nullif(array_to_string(r.${name}, chr(31)) || chr(31), chr(31))`)].join(', '))}
        from roster_person r
       where r.school_id = ${schoolId}::uuid and r.system_id = ${systemId}::uuid and r.gone_at is null
         and exists (select 1 from ${roles} t where t.source_id = r.source_id)
         and not exists (select 1 from ${people} s where s.source_id = r.source_id)`);
    await this.#tx.execute(sql`
      update ${people} s set roles = merged.roles
        from (select source_id, string_agg(distinct part, chr(31) order by part) || chr(31) as roles
                from (select p.source_id, part from ${people} p
                        join roster_person r on r.system_id = ${systemId}::uuid and r.source_id = p.source_id, unnest(r.roles) as part
                       where not exists (select 1 from ${roles} t where t.source_id = p.source_id and t.status = 'tobedeleted'
                                            and lower(btrim(t.role)) = split_part(part, '|', 1) and coalesce(t.site_source_id, '') = split_part(part, '|', 3))
                      union all
                      select source_id, concat_ws('|', lower(btrim(role)), coalesce(lower(role_type), ''), coalesce(site_source_id, ''), coalesce(begins_on, ''), coalesce(ends_on, ''))
                        from ${roles} where role is not null and status is distinct from 'tobedeleted') each
               group by source_id) merged
       where merged.source_id = s.source_id and s.roles is null`);
  }

  /** One row per id. What came twice is dropped or set aside, as the source goes. */
  async #oneRowEach(table: TableName, source: 'rest' | 'package'): Promise<void> {
    if (!(await this.#comesTwice(table))) return;
    const rows = this.#of(table);
    if (table === 'people') {
      await this.#gatherRows();
      if (!(await this.#comesTwice(table))) return;
    }
    const twice = sql`select source_id, max(ctid) as last, count(distinct hash) as tellings from ${rows} group by source_id having count(*) > 1`;
    if (source === 'package') {
      // Two records under one id: nobody can say which is meant, so neither counts and what rests stays as it is.
      const conflicting = await this.#aside(
        table,
        sql`s.source_id in (select source_id from (${twice}) d where d.tellings > 1)`,
        'id-used-twice',
        'sourcedId',
      );
      if (conflicting > 0) this.#repeated[table] = (this.#repeated[table] ?? 0) + conflicting;
    }
    const repeats = touched(
      await this.#tx.execute(sql`
        with d as materialized (${twice}) delete from ${rows} s using d where s.source_id = d.source_id and s.ctid <> d.last`),
    );
    if (repeats > 0) {
      this.#repeated[table] = (this.#repeated[table] ?? 0) + repeats;
      this.#deviations['duplicate-record'] = (this.#deviations['duplicate-record'] ?? 0) + repeats;
    }
  }

  /** Whether an id comes twice. Where the reader of a package named those that may, no other is looked at. */
  async #comesTwice(table: TableName): Promise<boolean> {
    const named = sql`(select source_id from ${staged(this.#run, 'plan')} where collection = ${table} and kind = 'may-repeat')`;
    const isLookedThrough = await this.#any(
      sql`select 1 from ${staged(this.#run, 'plan')} where collection = ${table} and kind = 'looked-through'`,
    );
    if (isLookedThrough && !(await this.#any(named))) return false;
    const by = isLookedThrough ? sql`where source_id in ${named} group by source_id` : sql`group by ${idHash}`;
    return anyOf(this.#tx, sql`n > 1`, sql`(select count(*) as n from ${this.#of(table)} ${by}) ids`);
  }

  /** What stood for records that are not kept goes; a record that was set aside twice is a repeat like any other. */
  async #forgetMarks(source: 'rest' | 'package'): Promise<void> {
    if (source === 'package') return;
    for (const table of this.#tables) {
      await this.#tx.execute(sql`delete from ${this.#of(table)} s where starts_with(s.source_id, ${cutMark})`);
    }
    const twice = z.array(z.object({ collection: z.string(), n: z.coerce.number() })).parse(
      await this.#tx.execute(sql`
        select collection, count(*) - count(distinct source_id) as n from ${staged(this.#run, 'aside')} a
         where a.source_id is not null and a.file is null and a.line is null group by 1 having count(*) > count(distinct source_id)`),
    );
    for (const { collection, n } of twice) {
      const table = Object.entries(stagedIn).find(([name]) => name === collection)?.[1];
      if (table !== undefined) this.#repeated[table] = (this.#repeated[table] ?? 0) + n;
    }
  }

  /** A person with a row per site is one person: the rows agree on the name, and the roles of all are kept. */
  async #gatherRows(): Promise<void> {
    const rows = this.#of('people');
    // The same row once more is a list that moved while it was read, not a person of several sites.
    const again = touched(
      await this.#tx.execute(sql`
        with d as materialized (
          select source_id, roles, lower(concat_ws(' ', given_name, family_name)) as name, max(ctid) as last from ${rows}
           where status is distinct from 'tobedeleted' group by 1, 2, 3 having count(*) > 1)
        delete from ${rows} s using d
         where s.source_id = d.source_id and s.roles is not distinct from d.roles and s.status is distinct from 'tobedeleted'
           and lower(concat_ws(' ', s.given_name, s.family_name)) = d.name and s.ctid <> d.last`),
    );
    if (again > 0) {
      this.#repeated.people = (this.#repeated.people ?? 0) + again;
      this.#deviations['duplicate-record'] = (this.#deviations['duplicate-record'] ?? 0) + again;
    }
    // Marked for deletion in one list and active in another: who is still somebody here is here.
    await this.#tx.execute(sql`
      delete from ${rows} s where s.status = 'tobedeleted'
         and exists (select 1 from ${rows} o where o.source_id = s.source_id and o.status is distinct from 'tobedeleted')`);
    await this.#tx.execute(sql`
      with several as materialized (
        select source_id from ${rows} group by source_id
        having count(*) > 1 and count(distinct lower(concat_ws(' ', given_name, family_name))) = 1),
      gathered as (
        select p.source_id, string_agg(distinct part, chr(31) order by part) || chr(31) as roles
          from ${rows} p join several using (source_id), unnest(staging.list(p.roles)) as part group by p.source_id),
      kept as (select k.source_id, min(k.ctid) as first from ${rows} k join several on several.source_id = k.source_id group by k.source_id),
      fewer as (delete from ${rows} s using kept where s.source_id = kept.source_id and s.ctid <> kept.first)
      update ${rows} s set roles = gathered.roles from gathered, kept
       where s.source_id = gathered.source_id and s.source_id = kept.source_id and s.ctid = kept.first`);
  }

  /**
   * One person under several ids (a row per site): one row stays, the other ids become aliases, so that enrolments under any of them are his.
   */
  async #onePersonEach(): Promise<void> {
    const rows = this.#of('people');
    const { schoolId, systemId } = this.#run;
    const isRepeated = await this.#any(sql`
      select 1 from ${rows} s where ${sql.raw(personKey('s'))} is not null
       group by hashtextextended(${sql.raw(personKey('s'))}, 0) having count(*) > 1`);
    const merged = !isRepeated
      ? 0
      : touched(
          await this.#tx.execute(sql`
        with same as materialized (
          select ${sql.raw(personKey('s'))} as key,
                 -- Who is known already, and not gone, keeps his id.
                 (array_agg(s.source_id order by
                    (select case when r.gone_at is null then 0 else 1 end from roster_person r where r.system_id = ${systemId}::uuid and r.source_id = s.source_id) nulls last,
                    (select r.first_seen_at from roster_person r where r.system_id = ${systemId}::uuid and r.source_id = s.source_id) nulls last, s.source_id))[1] as first
            from ${rows} s where ${sql.raw(personKey('s'))} is not null and status is distinct from 'tobedeleted'
           group by 1 having count(*) > 1),
        gathered as (
          select same.first, string_agg(distinct part, chr(31) order by part) || chr(31) as roles
            from ${rows} p join same on same.key = ${sql.raw(personKey('p'))},
                 unnest(staging.list(p.roles)) as part group by same.first),
        others as (
          delete from ${rows} s using same
           where same.key = ${sql.raw(personKey('s'))} and s.source_id <> same.first
          returning s.source_id, same.first),
        kept as (update ${rows} s set roles = gathered.roles from gathered where s.source_id = gathered.first)
        insert into ${staged(this.#run, 'plan')} (collection, kind, source_id, fields)
        select 'people', 'alias', source_id, array[first] from others`),
        );
    if (merged > 0) this.#deviations['person-with-several-ids'] = merged;
    // An id that was told to be somebody's second one before is so still, also in a delta that tells of that one alone; of two such one stays.
    await this.#tx.execute(sql`
      with second as materialized (
        select distinct on (p.source_id) s.ctid as at, p.source_id
          from ${rows} s join roster_person_alias a on a.source_id = s.source_id join roster_person p on p.id = a.person_id
         where a.school_id = ${schoolId}::uuid and a.system_id = ${systemId}::uuid
           and not exists (select 1 from ${rows} o where o.source_id = p.source_id)
           and not exists (select 1 from roster_person own where own.system_id = a.system_id and own.source_id = a.source_id and own.gone_at is null)
         order by p.source_id, s.source_id),
      others as (
        delete from ${rows} s using roster_person_alias a, roster_person p
         where a.school_id = ${schoolId}::uuid and a.system_id = ${systemId}::uuid and s.source_id = a.source_id and p.id = a.person_id
           and p.source_id in (select source_id from second) and s.ctid not in (select at from second))
      update ${rows} s set source_id = second.source_id from second where s.ctid = second.at`);
  }

  async #cutKinds({ kept }: Cut): Promise<void> {
    if (this.#has('groups') && !(kept.has('groups') && kept.has('classes'))) {
      // What tells a stream stays until it has told it, and rests nowhere.
      if (!kept.has('streams')) await this.cutGroups(kept);
    }
    if (this.#has('people')) {
      const words = personRolesKept(kept);
      const tells = sql.join(
        words.map((word) => sql`strpos(chr(31) || coalesce(s.roles, ''), chr(31) || ${`${word}|`}) > 0`),
        sql` or `,
      );
      // Who is of no granted kind goes; who is of two, one of them not granted, is known by the granted one alone.
      await this.#delete(
        'people',
        words.length === 0 ? sql`true` : sql`coalesce(s.roles, '') <> '' and not (${tells})`,
      );
      if (personKindsKept(kept).length < Object.keys(rolesOfKind).length) {
        // Who has one role has a granted one, or is gone by now.
        const another = sql`strpos(s.roles, chr(31)) < length(s.roles) and s.roles ~ ${`(^|\u001f)(?!(${words.join('|')})\\|)[^\u001f]`}`;
        const [found] = await this.#found('people', [another]);
        if (found === true) {
          await this.#tx.execute(sql`
            update ${this.#of('people')} s
               set roles = (select string_agg(role, chr(31)) || chr(31) from unnest(staging.list(s.roles)) as role where split_part(role, '|', 1) in ${among(words)})
             where ${another}`);
        }
      }
    }
    if (this.#has('enrolments')) {
      if (this.#surveyed.get('enrolments')?.roleBeyond === true) await this.#delete('enrolments', roleBeyond(kept));
    }
  }

  /** Groups of kinds that no grant needs: where streams are granted, after they have told theirs. */
  async cutGroups(kept: ReadonlySet<RosterCollection>): Promise<void> {
    if (!this.#has('groups') || (kept.has('groups') && kept.has('classes'))) return;
    await this.#delete('groups', sql`${sql.raw(rosterTables.groups.collection.staged)} not in ${among(kept)}`);
  }

  async #cutSites(sites: ReadonlySet<string> | null): Promise<void> {
    if (sites === null) return;
    const here = among(sites);
    if (this.#has('sites')) await this.#delete('sites', sql`s.source_id not in ${here}`);
    for (const table of ['subjects', 'groups'] as const) {
      if (this.#has(table))
        await this.#delete(table, sql`s.site_source_id is not null and s.site_source_id not in ${here}`);
    }
    if (this.#has('people')) {
      await this.#delete(
        'people',
        sql`(s.primary_site_source_id is not null or exists (select 1 from unnest(staging.list(s.roles)) as role where split_part(role, '|', 3) <> ''))
            and (s.primary_site_source_id is null or s.primary_site_source_id not in ${here})
            and not exists (select 1 from unnest(staging.list(s.roles)) as role where split_part(role, '|', 3) in ${here})`,
      );
    }
  }

  async #cutWithheld(): Promise<void> {
    const { schoolId, systemId } = this.#run;
    const withheld = sql`(select w.source_id from withheld_person w where w.school_id = ${schoolId}::uuid and w.system_id = ${systemId}::uuid and w.released_at is null)`;
    if (!(await this.#any(withheld))) return;
    if (this.#has('people')) await withholdByNumber(this.#tx, this.#run, this.#of('people'));
    if (this.#has('people')) await this.#delete('people', sql`s.source_id in ${withheld}`);
    if (this.#has('demographics')) await this.#delete('demographics', sql`s.source_id in ${withheld}`);
    if (this.#has('enrolments')) await this.#delete('enrolments', sql`s.person_source_id in ${withheld}`);
  }

  /** Fields that no grant of a kind of person leaves in are emptied for that kind. */
  async #cutFields(grants: readonly GrantedFields[]): Promise<void> {
    const fields = new Set<string>(Object.keys(narrowableFields));
    const leftOut = [...fieldsLeftOut(grants)].map((entry) => {
      const at = entry.indexOf(':');
      return { scope: entry.slice(0, at), field: entry.slice(at + 1) };
    });
    for (const { scope, field } of leftOut) {
      if (!fields.has(field)) continue;
      const column = sql.raw(`"${field}"`);
      const kind = personKindOfScope[scope];
      if (kind !== undefined && field !== 'birth_date' && this.#has('people')) {
        await this.#tx.execute(
          sql`update ${this.#of('people')} s set ${column} = null where ${column} is not null and ${sql.raw(kindOfRoles('s.roles'))} = ${kind}`,
        );
      }
      if (scope === 'roster.demographics' && field === 'birth_date' && this.#has('demographics')) {
        await this.#tx.execute(
          sql`update ${this.#of('demographics')} s set birth_date = null where birth_date is not null`,
        );
      }
    }
    const guardians = grants.some((grant) => grant.scopes.includes('roster.guardians'));
    if (this.#has('people') && !guardians) {
      await this.#tx.execute(
        sql`update ${this.#of('people')} s set agent_source_ids = null where agent_source_ids is not null`,
      );
    }
  }

  async #usable(table: TableName, { kept }: Cut): Promise<void> {
    const isKept =
      table === 'groups' ? sql` and ${sql.raw(rosterTables.groups.collection.staged)} in ${among(kept)}` : sql``;
    const { unusable } = rosterTables[table];
    const found =
      this.#surveyed.get(table)?.unusable ??
      (await this.#found(
        table,
        unusable.map(({ when }) => sql`s.status is distinct from 'tobedeleted' and (${sql.raw(when)})${isKept}`),
      ));
    for (const [index, { field, reason, when }] of unusable.entries()) {
      if (found[index] !== true) continue;
      await this.#aside(
        table,
        sql`s.status is distinct from 'tobedeleted' and (${sql.raw(when)})${isKept}`,
        reason,
        field,
      );
    }
  }

  /**
   * References are proved here, since roster tables carry no foreign keys. Where the grants or the school cut people or groups, what points
   * at them is cut with them; where nothing is cut it is set aside.
   */
  async #provenReferences({ kept, sites }: Cut): Promise<void> {
    if (!this.#has('enrolments') && !this.#has('demographics')) return;
    const isWhole =
      sites === null &&
      this.#cut === 0 &&
      kept.has('students') &&
      kept.has('teachers') &&
      kept.has('groups') &&
      kept.has('classes');
    const refuse = async (table: 'enrolments' | 'demographics', when: SQL, field: string) => {
      const alive = sql`s.status is distinct from 'tobedeleted' and ${when}`;
      if (isWhole) await this.#aside(table, alive, 'reference-unknown', field);
      else await this.#delete(table, alive);
    };
    if (this.#has('enrolments')) {
      // Of a roster that is known, only what the plan finds new or changed need be looked at.
      this.#referencesByPlan = isWhole && (await this.#rests('roster_enrolment'));
      if (!this.#referencesByPlan) await this.#refuseLost(sql``, (when, field) => refuse('enrolments', when, field));
    }
    if (this.#has('demographics')) {
      await refuse(
        'demographics',
        sql`not exists (select 1 from ${await this.#known('people')} k where k.source_id = s.source_id)`,
        'sourcedId',
      );
    }
  }

  /**
   * Proves the references of the enrolments that the plan would write, where that was left to it: who points at nobody is set aside, and what
   * rests of him stays as it was.
   */
  async proveReferencesOfPlan(): Promise<void> {
    if (!this.#referencesByPlan) return;
    const plan = staged(this.#run, 'plan');
    const written = sql`p.collection = 'enrolments' and p.kind in ('added', 'changed', 'returned')`;
    if (!(await this.#any(sql`select 1 from ${plan} p where ${written}`))) return;
    const isPlanned = sql`s.source_id in (select p.source_id from ${plan} p where ${written})`;
    let lost = 0;
    await this.#refuseLost(sql`and ${isPlanned}`, async (when, field) => {
      lost += await this.#aside(
        'enrolments',
        sql`s.status is distinct from 'tobedeleted' and ${isPlanned} and ${when}`,
        'reference-unknown',
        field,
      );
    });
    if (lost === 0) return;
    await this.#tx.execute(sql`
      delete from ${plan} p where ${written} and not exists (select 1 from ${this.#of('enrolments')} s where s.source_id = p.source_id)`);
  }

  /** Both references in one pass; who is missing is looked for only where somebody is. */
  async #refuseLost(of: SQL, refuse: (when: SQL, field: string) => Promise<void>): Promise<void> {
    const [people, groups] = [await this.#known('people'), await this.#known('groups')];
    const told = (which: SQL) => sql`count(*) filter (where ${which})`;
    const places = (which: SQL) =>
      sql`case when ${told(which)} between 1 and ${mostPlaces} then (array_agg(s.ctid) filter (where ${which}))::text end`;
    const [noPerson, noGroup] = [sql`p.source_id is null`, sql`g.source_id is null`];
    const [lost] = lostRows.parse(
      await this.#tx.execute(sql`
        select ${told(noPerson)} as people, ${places(noPerson)} as "peopleAt", ${told(noGroup)} as groups, ${places(noGroup)} as "groupsAt"
          from ${this.#of('enrolments')} s
          left join ${people} p on p.source_id = s.person_source_id
          left join ${groups} g on g.source_id = s.group_source_id
         where s.status is distinct from 'tobedeleted' and (${noPerson} or ${noGroup}) ${of}`),
    );
    if (lost === undefined) return;
    // A few are found again by where they stand, very many by the same question.
    const at = (list: string | null, known: SQL, column: SQL) =>
      list === null
        ? sql`not exists (select 1 from ${known} k where k.source_id = ${column})`
        : sql`s.ctid = any(${list}::tid[])`;
    if (lost.people > 0) await refuse(at(lost.peopleAt, people, sql`s.person_source_id`), 'user');
    if (lost.groups > 0) await refuse(at(lost.groupsAt, groups, sql`s.group_source_id`), 'class');
  }

  /** Source ids of people or groups that rest or have come and are kept; some stand there twice. */
  async #known(table: 'people' | 'groups'): Promise<SQL> {
    const { schoolId, systemId } = this.#run;
    const here = sql`school_id = ${schoolId}::uuid and system_id = ${systemId}::uuid`;
    const parts = [
      sql`select source_id from ${sql.raw(rosterTables[table].table)} where ${here} and gone_at is null`,
      ...(table === 'people'
        ? [
            sql`select source_id from roster_person_alias where ${here}`,
            sql`select source_id from ${staged(this.#run, 'plan')} where kind = 'alias'`,
          ]
        : []),
    ];
    // Groups that only tell streams are still there.
    const ofKind =
      table === 'groups' && !(this.#kept.has('groups') && this.#kept.has('classes'))
        ? sql`and ${sql.raw(rosterTables.groups.collection.staged)} in ${among(this.#kept)}`
        : sql``;
    const came = this.#has(table)
      ? [sql`select source_id from ${this.#of(table)} s where status is distinct from 'tobedeleted' ${ofKind}`]
      : [];
    // What is empty is left out: a union has no statistics, so that the planner would hash the other side, which is the larger by far.
    const filled: SQL[] = [];
    for (const part of parts) if (came.length === 0 || (await this.#any(part))) filled.push(part);
    return sql`(${sql.join([...filled, ...came], sql` union all `)})`;
  }

  #rests(roster: 'roster_enrolment'): Promise<boolean> {
    const { schoolId, systemId } = this.#run;
    return this.#any(
      sql`select 1 from ${sql.raw(roster)} where school_id = ${schoolId}::uuid and system_id = ${systemId}::uuid`,
    );
  }

  #any(rows: SQL): Promise<boolean> {
    return anyRow(this.#tx, rows);
  }
}
