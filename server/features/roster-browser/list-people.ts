import { and, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { rosterPerson, rosterSite, withheldPerson } from '#db/schema/index.ts';
import { personKinds } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import {
  countedUpTo,
  countRows,
  literally,
  ofStatus,
  recordStatuses,
  recordsPerPage,
  searchSchema,
  wordsOf,
} from './browse-records.ts';
import { peopleAccess } from './who-sees-people.ts';

const found = z.array(z.object({ id: z.string(), counted: z.coerce.number() }));
/** What is found by a word in the middle is listed up to here: nobody pages through a guess. */
const foundAnywhere = 200;

const inputSchema = z.object({
  schoolId: idSchema,
  kind: z.enum(personKinds).default('student'),
  systemId: idSchema.optional(),
  /** The source's id of a site. */
  site: z.string().min(1).max(500).optional(),
  status: z.enum([...recordStatuses, 'withheld']).default('here'),
  search: searchSchema,
  /** The person behind whom the page begins: no name stands in it. */
  after: idSchema.optional(),
});
type Input = z.output<typeof inputSchema>;

/**
 * People of one kind by name, a page at a time: whose family name (then given name) begins as searched; where nobody's does, those with
 * each word at the beginning of a name or of the number. The number of those found is counted up to ten thousand.
 */
export const listPeople = defineVerb({
  name: 'data.people',
  kind: 'query',
  access: peopleAccess,
  input: inputSchema,
  run: async ({ tx, input }) => {
    const narrowed = narrowing(input);
    if (input.search === '') return shown(tx, input, narrowed, false);
    const prefixed = await shown(tx, input, [...narrowed, beginningWith(input.search)], false);
    if (prefixed.total > 0 || input.after !== undefined) return prefixed;
    return shown(tx, input, [...narrowed, ...wordsOf(input.search).map(havingWord)], true);
  },
});

const own = (input: Input) => and(eq(rosterPerson.schoolId, input.schoolId), eq(rosterPerson.kind, input.kind));

function narrowing(input: Input): SQL[] {
  const withheld = sql`exists (select 1 from ${withheldPerson} w where w.school_id = ${rosterPerson.schoolId}
    and w.system_id = ${rosterPerson.systemId} and w.source_id = ${rosterPerson.sourceId} and w.released_at is null)`;
  return [
    own(input),
    input.systemId === undefined ? undefined : eq(rosterPerson.systemId, input.systemId),
    input.site === undefined ? undefined : sql`${rosterPerson.siteSourceIds} @> array[${input.site}]::text[]`,
    input.status === 'withheld' ? withheld : ofStatus(rosterPerson, input.status),
  ].filter((condition) => condition !== undefined);
}

/** A range of the index: comparisons of text may be looked up under row-level security, LIKE may not. */
function beginningWith(search: string): SQL {
  const from = sql`public.without_particles(public.folded(${search.replaceAll(/[\s,]+/gu, ' ')}))`;
  return sql`${rosterPerson.searchName} >= ${from} and ${rosterPerson.searchName} < ${from} || chr(1114111)`;
}

function havingWord(word: string): SQL {
  // An address is looked for as one; whoever types it knows how it begins.
  return word.includes('@')
    ? sql`lower(${rosterPerson.email}) like lower(${literally(word)}) || '%'`
    : sql`(' ' || ${rosterPerson.searchName} like '% ' || public.folded(${literally(word.replaceAll(',', ''))}) || '%' or ${rosterPerson.sourceId} = ${word})`;
}

async function shown(tx: Tx, input: Input, conditions: readonly SQL[], anywhere: boolean) {
  const { ids, counted } =
    !anywhere && input.site === undefined && input.status === 'here'
      ? await inOrderOfIndex(tx, input, conditions)
      : await lookedThrough(tx, input, conditions, anywhere ? foundAnywhere : null);
  const page = anywhere ? ids : ids.slice(0, recordsPerPage);
  return {
    rows: await peopleOf(
      tx,
      input.schoolId,
      page.map(({ id }) => id),
    ),
    total: Math.min(counted, countedUpTo),
    more: counted > countedUpTo || (anywhere && counted >= foundAnywhere),
    next: !anywhere && ids.length > recordsPerPage ? (page.at(-1)?.id ?? null) : null,
    /** Found by a word anywhere in the name, since nobody's family name begins so. */
    anywhere,
  };
}

interface Found {
  readonly ids: readonly { readonly id: string }[];
  /** All that match, not only this page's, up to one more than is said. */
  readonly counted: number;
}

const place = (column: 'search_name' | 'id', after: string) =>
  sql`(select ${sql.raw(`l.${column}`)} from roster_person l where l.id = ${after}::uuid)`;

/** A page by the index that holds kind and name: as fast in a million as in a thousand. */
async function inOrderOfIndex(tx: Tx, input: Input, conditions: readonly SQL[]): Promise<Found> {
  const { after } = input;
  // The comparison of one column is what the index can be entered by; that of the pair then leaves out namesakes of before.
  const behind =
    after === undefined
      ? undefined
      : sql`${rosterPerson.searchName} >= ${place('search_name', after)}
          and (${rosterPerson.searchName}, ${rosterPerson.id}) > (${place('search_name', after)}, ${place('id', after)})`;
  const page = tx
    .select({ id: rosterPerson.id })
    .from(rosterPerson)
    .where(and(...conditions, behind))
    .orderBy(rosterPerson.searchName, rosterPerson.id)
    .limit(recordsPerPage + 1);
  const all = tx
    .select({ one: sql`1` })
    .from(rosterPerson)
    .where(and(...conditions))
    .limit(countedUpTo + 1);
  return { ids: await page, counted: await countRows(tx, all) };
}

/**
 * What the index's order does not help with is looked through once, in whatever order it lies, counted and sorted: walking a million rows by
 * the index instead takes seconds.
 */
async function lookedThrough(
  tx: Tx,
  { after }: Input,
  conditions: readonly SQL[],
  most: number | null,
): Promise<Found> {
  const matching = tx
    .select({ id: rosterPerson.id, name: rosterPerson.searchName })
    .from(rosterPerson)
    .where(and(...conditions));
  const behind =
    after === undefined ? sql`true` : sql`(search_name, id) > (${place('search_name', after)}, ${place('id', after)})`;
  const rows = found.parse(
    await tx.execute(sql`
      with matching as materialized (${matching} ${most === null ? sql`` : sql`limit ${most}`})
      select id, (select count(*) from matching) as counted from matching where ${behind}
       order by search_name, id limit ${most ?? recordsPerPage + 1}`),
  );
  return { ids: rows, counted: rows[0]?.counted ?? 0 };
}

/** What a list shows of these people, in this order. */
async function peopleOf(tx: Tx, schoolId: string, ids: readonly string[]) {
  if (ids.length === 0) return [];
  const rows = await tx
    .select({
      id: rosterPerson.id,
      systemId: rosterPerson.systemId,
      sourceId: rosterPerson.sourceId,
      kind: rosterPerson.kind,
      kinds: rosterPerson.kinds,
      enabled: rosterPerson.enabled,
      givenName: rosterPerson.givenName,
      middleName: rosterPerson.middleName,
      familyName: rosterPerson.familyName,
      preferredGivenName: rosterPerson.preferredGivenName,
      identifier: rosterPerson.identifier,
      grades: rosterPerson.grades,
      siteSourceIds: rosterPerson.siteSourceIds,
      missedFetches: rosterPerson.missedFetches,
      goneAt: rosterPerson.goneAt,
      withheldId: withheldPerson.id,
    })
    .from(rosterPerson)
    .leftJoin(
      withheldPerson,
      and(
        eq(withheldPerson.systemId, rosterPerson.systemId),
        eq(withheldPerson.sourceId, rosterPerson.sourceId),
        isNull(withheldPerson.releasedAt),
      ),
    )
    .where(and(eq(rosterPerson.schoolId, schoolId), inArray(rosterPerson.id, [...ids])));
  const sites = await siteNames(
    tx,
    schoolId,
    rows.flatMap((row) => row.siteSourceIds),
  );
  const byId = new Map(
    rows.map(({ siteSourceIds, withheldId, ...row }) => [
      row.id,
      {
        ...row,
        withheld: withheldId !== null,
        sites: siteSourceIds.map((sourceId) => sites.get(`${row.systemId} ${sourceId}`) ?? sourceId),
      },
    ]),
  );
  return ids.flatMap((id) => byId.get(id) ?? []);
}

/** Names of sites under `systemId sourceId`. */
export async function siteNames(
  tx: Tx,
  schoolId: string,
  sourceIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const wanted = [...new Set(sourceIds)];
  if (wanted.length === 0) return new Map();
  const rows = await tx
    .select({ systemId: rosterSite.systemId, sourceId: rosterSite.sourceId, name: rosterSite.name })
    .from(rosterSite)
    .where(and(eq(rosterSite.schoolId, schoolId), inArray(rosterSite.sourceId, wanted)));
  return new Map(rows.map((row) => [`${row.systemId} ${row.sourceId}`, row.name]));
}
