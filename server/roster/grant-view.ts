import { and, eq, inArray, or, type SQL, sql } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import type { SharingRule } from '#db/schema/connections.ts';
import { rosterGroup, rosterSite, rosterStream, rosterSubject, site } from '#db/schema/index.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { type narrowableFields, personKindOfScope } from './collections.ts';
import { sitesAllowed } from './narrow-to-sites.ts';

/** A live grant over one system of a school, as far as it says which rows are in it. */
export interface ViewedGrant {
  readonly schoolId: string;
  /** The system whose roster is shared: the producer. */
  readonly systemId: string;
  readonly scopes: readonly string[];
  /** `scope:field`. */
  readonly withoutFields: readonly string[];
  readonly sharingRule: SharingRule;
}

type NarrowableField = keyof typeof narrowableFields;
type PersonField = Exclude<NarrowableField, 'birth_date'>;

/** A sharing rule in the ids that roster rows carry. Null: no limit in that direction; empty: nothing is in it any more. */
interface Limits {
  readonly sites: readonly string[] | null;
  readonly streams: readonly string[] | null;
  readonly subjects: readonly string[] | null;
  readonly groups: readonly string[] | null;
}

/**
 * Reads what a sharing rule comes to in this roster. Its sites are the school's own; streams, subjects and groups are named by our id or by the
 * source's.
 */
export async function readGrantView(tx: Tx, grant: ViewedGrant): Promise<GrantView> {
  const { sharingRule: rule } = grant;
  const limits: Limits = {
    sites: rule.sites.length === 0 ? null : await allowedSites(tx, grant),
    streams: await limitOf(tx, rosterStream, rosterStream.sourceId, grant, rule.streams),
    subjects: await limitOf(tx, rosterSubject, rosterSubject.sourceId, grant, rule.subjects),
    groups: await limitOf(tx, rosterGroup, rosterGroup.id, grant, rule.groups),
  };
  return new GrantView(grant, limits, null);
}

async function allowedSites(tx: Tx, { schoolId, systemId, sharingRule }: ViewedGrant): Promise<string[]> {
  const source = await tx
    .select({
      sourceId: rosterSite.sourceId,
      name: rosterSite.name,
      identifier: rosterSite.identifier,
      parentSourceId: rosterSite.parentSourceId,
    })
    .from(rosterSite)
    .where(and(eq(rosterSite.schoolId, schoolId), eq(rosterSite.systemId, systemId)));
  const own = await tx
    .select({ id: site.id, name: site.name, registerNumber: site.registerNumber })
    .from(site)
    .where(eq(site.schoolId, schoolId));
  return [...(sitesAllowed([sharingRule.sites], source, own) ?? [])].sort();
}

async function limitOf(
  tx: Tx,
  table: typeof rosterStream | typeof rosterSubject | typeof rosterGroup,
  named: typeof rosterStream.sourceId | typeof rosterSubject.sourceId | typeof rosterGroup.id,
  { schoolId, systemId }: ViewedGrant,
  rule: readonly string[],
): Promise<string[] | null> {
  if (rule.length === 0) return null;
  const ids = rule.filter((id) => idSchema.safeParse(id).success);
  const rows = await tx
    .select({ named: sql<string>`${named}::text` })
    .from(table)
    .where(
      and(
        eq(table.schoolId, schoolId),
        eq(table.systemId, systemId),
        or(inArray(table.sourceId, [...rule]), ids.length === 0 ? undefined : inArray(table.id, ids)),
      ),
    )
    .orderBy(named);
  return rows.map((row) => row.named);
}

const among = (values: readonly string[]) => sql`(select jsonb_array_elements_text(${JSON.stringify(values)}::jsonb))`;
const amongIds = (values: readonly string[]) =>
  sql`(select jsonb_array_elements_text(${JSON.stringify(values)}::jsonb)::uuid)`;
/** As a literal, so that the planner knows how many rows have one of them. */
const anyOf = (values: readonly string[]) =>
  sql`${`{${values.map((value) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`}::text[]`;
const all = (parts: readonly (SQL | null)[]): SQL =>
  sql`(${sql.join(
    parts.filter((part) => part !== null),
    sql` and `,
  )})`;

/**
 * Which rows of a roster are in a grant, as SQL conditions over roster tables: scopes, sharing rule, whom the school withholds, what is gone. A
 * row that no condition lets through does not exist for the consumer, in lists, counts and references alike. All of it is derived from
 * the grant at every use (DESIGN.md §2); nothing is stored.
 *
 * Every method takes the alias under which the statement names the row. A limit of the rule holds for groups; people are in the grant with
 * a place in one of its sites and, where groups, subjects or streams are limited, with an enrolment in a group that all limits let
 * through; guardians with a student who is.
 */
export class GrantView {
  readonly grant: ViewedGrant;
  readonly #limits: Limits;
  /** Null: what is here now. A moment: besides, what has left since. */
  readonly #leftSince: Date | null;

  constructor(grant: ViewedGrant, limits: Limits, leftSince: Date | null) {
    this.grant = grant;
    this.#limits = limits;
    this.#leftSince = leftSince;
  }

  /** The same grant over what is here and what has left since a moment: who was in it. */
  withLeftSince(moment: Date): GrantView {
    return new GrantView(this.grant, this.#limits, moment);
  }

  has(...scopes: readonly string[]): boolean {
    return scopes.some((scope) => this.grant.scopes.includes(scope));
  }

  /** Kinds of person that the grant names. */
  get personKinds(): readonly string[] {
    return Object.entries(personKindOfScope).flatMap(([scope, kind]) => (this.has(scope) ? [kind] : []));
  }

  get groupKinds(): readonly ('group' | 'class')[] {
    return [
      ...(this.has('roster.groups') ? (['group'] as const) : []),
      ...(this.has('roster.classes') ? (['class'] as const) : []),
    ];
  }

  /** Roles of enrolments that the grant names. */
  get enrolmentRoles(): readonly string[] {
    return this.personKinds.filter((kind) => kind !== 'guardian');
  }

  /** Whether the sharing rule leaves anything out. */
  get isLimited(): boolean {
    return Object.values(this.#limits).some((limit) => limit !== null);
  }

  sites(r: string): SQL {
    const isAny = this.grant.scopes.some((scope) => scope.startsWith('roster.'));
    return isAny ? all([this.#here(r), this.#inSites(sql.raw(`${r}.source_id`))]) : sql`false`;
  }

  /** Of the terms a grant of groups, classes or subjects gives all: they are what the rest is filed under. */
  terms(r: string): SQL {
    return this.has('roster.groups', 'roster.classes', 'roster.subjects') ? this.#here(r) : sql`false`;
  }

  subjects(r: string): SQL {
    if (!this.has('roster.subjects')) return sql`false`;
    const { sites, subjects } = this.#limits;
    return all([
      this.#here(r),
      subjects === null ? null : sql`${sql.raw(r)}.source_id in ${among(subjects)}`,
      // A course of no site is the whole district's.
      sites === null
        ? null
        : sql`(${sql.raw(r)}.site_source_id is null or ${sql.raw(r)}.site_source_id in ${among(sites)})`,
      this.#limits.streams === null && this.#limits.groups === null
        ? null
        : sql`exists (select 1 from roster_group vg where vg.subject_source_id = ${sql.raw(r)}.source_id and ${this.#ruledGroups('vg')})`,
    ]);
  }

  streams(r: string): SQL {
    if (!this.has('roster.streams')) return sql`false`;
    const { streams, ...others } = this.#limits;
    return all([
      this.#here(r),
      streams === null ? null : sql`${sql.raw(r)}.source_id in ${among(streams)}`,
      Object.values(others).every((limit) => limit === null)
        ? null
        : sql`exists (select 1 from roster_group vg where vg.stream_source_id = ${sql.raw(r)}.source_id and ${this.#ruledGroups('vg')})`,
    ]);
  }

  /** Teaching groups and home classes. */
  groups(r: string): SQL {
    const kinds = this.groupKinds;
    if (kinds.length === 0) return sql`false`;
    return all([this.#ruledGroups(r), kinds.length === 2 ? null : sql`${sql.raw(r)}.kind = ${kinds[0] ?? ''}`]);
  }

  people(r: string): SQL {
    const own = this.enrolmentRoles;
    const parts = [
      ...(own.length === 0 ? [] : [this.#ruledPeople(r, own)]),
      ...(this.has('roster.guardians') ? [this.#guardians(r)] : []),
    ];
    return parts.length === 0 ? sql`false` : sql`(${sql.join(parts, sql` or `)})`;
  }

  /** People of one kind alone. */
  peopleOfKind(r: string, kind: string): SQL {
    if (!this.personKinds.includes(kind)) return sql`false`;
    return kind === 'guardian' ? this.#guardians(r) : this.#ruledPeople(r, [kind]);
  }

  /** Conditions on an enrolment, its group and its person where a statement joins the three. */
  enrolmentsJoined(r: string, group: string, person: string): SQL {
    const roles = this.enrolmentRoles;
    if (roles.length === 0 || this.groupKinds.length === 0) return sql`false`;
    return all([
      this.#here(r),
      sql`${sql.raw(r)}.role = any(${anyOf(roles)})`,
      this.groups(group),
      // His place in this group is what the limits on groups ask for; the rest is asked of himself.
      this.#placedPeople(person, roles),
    ]);
  }

  /** Who is in which group: only where both are in the grant. */
  enrolments(r: string): SQL {
    return sql`exists (select 1 from roster_group eg, roster_person ep
      where eg.id = ${sql.raw(r)}.group_id and ep.id = ${sql.raw(r)}.person_id and ${this.enrolmentsJoined(r, 'eg', 'ep')})`;
  }

  /** Of students and teachers who are in the grant. */
  demographics(r: string): SQL {
    const kinds = this.enrolmentRoles;
    if (!this.has('roster.demographics') || kinds.length === 0) return sql`false`;
    return all([
      this.#here(r),
      sql`exists (select 1 from roster_person dp where dp.id = ${sql.raw(r)}.person_id and ${this.#ruledPeople('dp', kinds)})`,
    ]);
  }

  /** A field of a person that can be left out of a grant: null where a scope that names him leaves it out. */
  personCell(r: string, field: PersonField): SQL {
    return this.toldWith(r, [field], sql.raw(`${r}."${field}"`), sql`null::text`);
  }

  /** What is told of a person only together with fields that can be left out: `otherwise` where one of them is. */
  toldWith(r: string, fields: readonly PersonField[], cell: SQL, otherwise: SQL): SQL {
    const kinds = Object.entries(personKindOfScope).flatMap(([scope, kind]) =>
      this.has(scope) && fields.some((field) => this.leavesOut(scope, field)) ? [kind] : [],
    );
    if (kinds.length === 0) return cell;
    if (this.personKinds.every((kind) => kinds.includes(kind))) return otherwise;
    return sql`case when ${sql.raw(r)}.kinds && ${anyOf(kinds)} then ${otherwise} else ${cell} end`;
  }

  /**
   * When a person last changed as the consumer sees him: where groups, subjects or streams are limited, the enrolment that brought him into the
   * grant counts too, and so does its group.
   */
  personChangedAt(r: string): SQL {
    const row = sql.raw(r);
    const { streams, subjects, groups } = this.#limits;
    if (streams === null && subjects === null && groups === null) return sql`${row}.changed_at`;
    return sql`greatest(${row}.changed_at, (select max(greatest(ce.changed_at, cg.changed_at)) from roster_enrolment ce
      join roster_group cg on cg.id = ce.group_id where ce.person_id = ${row}.id and ${this.#here('ce')} and ${this.#ruledGroups('cg')}))`;
  }

  leavesOut(scope: string, field: NarrowableField): boolean {
    return this.grant.withoutFields.includes(`${scope}:${field}`);
  }

  #here(r: string): SQL {
    const { schoolId, systemId } = this.grant;
    const row = sql.raw(r);
    const alive =
      this.#leftSince === null
        ? sql`${row}.gone_at is null`
        : sql`(${row}.gone_at is null or ${row}.gone_at > ${this.#leftSince.toISOString()}::timestamptz)`;
    return sql`${row}.school_id = ${schoolId}::uuid and ${row}.system_id = ${systemId}::uuid and ${alive}`;
  }

  #inSites(site: SQL): SQL | null {
    const { sites } = this.#limits;
    return sites === null ? null : sql`${site} in ${among(sites)}`;
  }

  /** Groups of any kind that the rule lets through: one without a site is of none of the rule's. */
  #ruledGroups(r: string): SQL {
    const { sites, streams, subjects, groups } = this.#limits;
    const row = sql.raw(r);
    const within = (cell: (column: string) => SQL) => [
      sites === null ? null : sql`${cell('site_source_id')} in ${among(sites)}`,
      streams === null ? null : sql`${cell('stream_source_id')} in ${among(streams)}`,
      subjects === null ? null : sql`${cell('subject_source_id')} in ${among(subjects)}`,
    ];
    const now = within((column) => sql.raw(`${r}.${column}`)).filter((part) => part !== null);
    const before = within((column) => sql.raw(`coalesce(lc.before ->> '${column}', ${r}.${column})`));
    const ruled = now.length === 0 ? null : all(now);
    return all([
      this.#here(r),
      ruled === null || this.#leftSince === null
        ? ruled
        : sql`(${ruled} or exists (select 1 from roster_change lc where lc.record_id = ${row}.id and lc.kind = 'updated'
            and lc.at > ${this.#leftSince.toISOString()}::timestamptz and ${all(before)}))`,
      groups === null ? null : sql`${row}.id in ${amongIds(groups)}`,
    ]);
  }

  /** Who is here, of these kinds, not withheld, and of a site of the rule. */
  #placedPeople(r: string, kinds: readonly string[]): SQL {
    const { sites } = this.#limits;
    const row = sql.raw(r);
    return all([
      this.#here(r),
      sql`${row}.kinds && ${anyOf(kinds)}`,
      sites === null
        ? null
        : sql`(${row}.site_source_ids && ${anyOf(sites)} or coalesce(${row}.primary_site_source_id in ${among(sites)}, false)${this.#wasInSites(r, sites)})`,
      this.#notWithheld(r),
    ]);
  }

  /** Or who left them since the moment. */
  #wasInSites(r: string, sites: readonly string[]): SQL {
    if (this.#leftSince === null) return sql``;
    return sql` or exists (select 1 from roster_change lc where lc.record_id = ${sql.raw(r)}.id and lc.kind = 'updated'
      and lc.at > ${this.#leftSince.toISOString()}::timestamptz
      and (lc.before ->> 'primary_site_source_id' in ${among(sites)} or lc.before -> 'site_source_ids' ?| ${anyOf(sites)}))`;
  }

  /** Whoever is withheld rests nowhere since then; this holds whatever came in besides. */
  #notWithheld(r: string): SQL {
    const { schoolId, systemId } = this.grant;
    const row = sql.raw(r);
    const withheld = sql`(select w.source_id from withheld_person w
       where w.school_id = ${schoolId}::uuid and w.system_id = ${systemId}::uuid and w.released_at is null)`;
    return sql`${row}.source_id not in ${withheld} and ${row}.id not in (select a.person_id from roster_person_alias a
       where a.school_id = ${schoolId}::uuid and a.system_id = ${systemId}::uuid and a.source_id in ${withheld})`;
  }

  #ruledPeople(r: string, kinds: readonly string[]): SQL {
    const { streams, subjects, groups } = this.#limits;
    const row = sql.raw(r);
    const placed = this.#placedPeople(r, kinds);
    if (streams === null && subjects === null && groups === null) return placed;
    const enrolled = sql`exists (select 1 from roster_enrolment ve join roster_group vg on vg.id = ve.group_id
        where ve.person_id = ${row}.id and ve.role = any(${anyOf(kinds)}) and ${this.#here('ve')} and ${this.#ruledGroups('vg')})`;
    const onlyStreams = streams !== null && subjects === null && groups === null;
    return onlyStreams
      ? sql`(${placed} and (${row}.stream_source_id in ${among(streams)} or ${enrolled}))`
      : sql`(${placed} and ${enrolled})`;
  }

  /** Guardians of a student whom the rule lets through, whichever of the two names the other. */
  #guardians(r: string): SQL {
    const { schoolId, systemId } = this.grant;
    const row = sql.raw(r);
    const students = this.#ruledPeople('gs', ['student']);
    return all([
      this.#here(r),
      sql`'guardian' = any(${row}.kinds)`,
      this.#notWithheld(r),
      sql`(exists (select 1 from roster_person gs
              where gs.system_id = ${systemId}::uuid and gs.source_id = any(${row}.agent_source_ids) and ${students})
        or exists (select 1 from roster_person_alias ga join roster_person gs on gs.id = ga.person_id
              where ga.school_id = ${schoolId}::uuid and ga.system_id = ${systemId}::uuid and ga.source_id = any(${row}.agent_source_ids) and ${students})
        or ${row}.source_id in (select unnest(gs.agent_source_ids) from roster_person gs where ${students}))`,
    ]);
  }
}
