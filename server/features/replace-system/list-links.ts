import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { literally, searchSchema, wordsOf } from '#server/features/roster-browser/browse-records.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { linkedCollections, replacementInSchool } from './load-replacement.ts';

const perPage = 20;
const cell = z.string().nullable();
const sideSchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  sourceId: z.string(),
  number: cell,
  email: cell,
  birthDate: cell,
  site: cell,
  grades: cell,
});
export type LinkSide = z.infer<typeof sideSchema>;
const linkRows = z.array(
  z.object({
    found: z.enum(['number', 'source-id', 'proposed', 'by-hand']),
    state: z.enum(['open', 'confirmed', 'rejected']),
    old: sideSchema.nullable(),
    new: sideSchema.nullable(),
  }),
);
const sideRows = z.array(sideSchema);
const totals = z.array(z.object({ n: z.coerce.number() }));

/** What a row is recognised by, of a person or a group, as JSON. `r` is the row. */
const shown = {
  people: sql`jsonb_build_object('id', r.id, 'kind', r.kind, 'sourceId', r.source_id,
    'name', coalesce(nullif(concat_ws(' ', coalesce(r.preferred_given_name, r.given_name), coalesce(r.preferred_family_name, r.family_name)), ''), r.username, r.source_id),
    'number', r.identifier, 'email', r.email, 'grades', nullif(array_to_string(r.grades, ', '), ''),
    'birthDate', (select d.birth_date::text from roster_demographics d where d.school_id = r.school_id and d.person_id = r.id limit 1),
    'site', (select s.name from roster_site s where s.school_id = r.school_id and s.system_id = r.system_id
               and s.source_id = coalesce(r.primary_site_source_id, r.site_source_ids[1])))`,
  groups: sql`jsonb_build_object('id', r.id, 'kind', r.kind, 'sourceId', r.source_id, 'name', r.title, 'number', r.code, 'email', null, 'birthDate', null,
    'grades', nullif(array_to_string(r.grades, ', '), ''),
    'site', (select s.name from roster_site s where s.school_id = r.school_id and s.system_id = r.system_id and s.source_id = r.site_source_id))`,
} as const;
const tableOf = { people: sql.raw('roster_person'), groups: sql.raw('roster_group') } as const;
const orderOf = { people: sql.raw('r.search_name'), groups: sql.raw('lower(r.title)') } as const;

/** Each searched word at the beginning of a name or of the number (people), or anywhere in title and code (groups). */
function searched(collection: 'people' | 'groups', search: string): SQL {
  const text =
    collection === 'people' ? sql`(' ' || r.search_name)` : sql`(lower(r.title) || ' ' || lower(coalesce(r.code, '')))`;
  const before = collection === 'people' ? '% ' : '%';
  return sql.join(
    [
      sql`true`,
      ...wordsOf(search).map(
        (word) => sql`${text} like ${before}::text || public.folded(${literally(word)}::text) || '%'`,
      ),
    ],
    sql` and `,
  );
}

const place = {
  schoolId: idSchema,
  replacementId: idSchema,
  collection: z.enum(linkedCollections),
  search: searchSchema,
  page: z.int().min(1).max(100_000).default(1),
};

/** Links of a replacement, side by side, a page at a time: those that wait for a yes or no, the confirmed, or the rejected. */
export const listLinks = defineVerb({
  name: 'replacement.links',
  kind: 'query',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ ...place, show: z.enum(['open', 'confirmed', 'rejected']).default('open') }),
  run: async ({ tx, input }) => {
    const { schoolId, collection, search, show, page } = input;
    const row = await replacementInSchool(tx, schoolId, input.replacementId);
    const ofState = {
      open: sql`not l.rejected and not l.confirmed`,
      confirmed: sql`not l.rejected and l.confirmed`,
      rejected: sql`l.rejected`,
    }[show];
    // After the switch the new row has the old one's id.
    const newId = row.state === 'switched' ? sql`l.old_id` : sql`l.new_id`;
    const side = (id: SQL, systemId: string) =>
      sql`(select ${shown[collection]} from ${tableOf[collection]} r where r.school_id = ${schoolId}::uuid and r.system_id = ${systemId}::uuid and r.id = ${id})`;
    const wanted = sql`
      from replacement_link l join ${tableOf[collection]} r on r.id = ${newId} and r.school_id = l.school_id
     where l.school_id = ${schoolId}::uuid and l.replacement_id = ${row.id}::uuid and l.collection = ${collection} and ${ofState} and ${searched(collection, search)}`;
    const rows = linkRows.parse(
      await tx.execute(sql`
        with wanted as (select l.old_id, l.new_id, l.found, ${orderOf[collection]} as by ${wanted} order by 4, 1, 2 limit ${perPage} offset ${(page - 1) * perPage})
        select l.found, ${show} as state, ${row.state === 'switched' ? sql`null::jsonb` : side(sql`l.old_id`, row.oldSystemId)} as old,
               ${side(newId, row.newSystemId)} as new from wanted l order by l.by, l.old_id`),
    );
    const [total] = totals.parse(await tx.execute(sql`select count(*) as n ${wanted}`));
    return { rows, total: total?.n ?? 0, perPage };
  },
});

/** Who, or which group, of one side has no link: of the old system they are gone with the switch, of the new one they are new. */
export const listUnmatched = defineVerb({
  name: 'replacement.unmatched',
  kind: 'query',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ ...place, side: z.enum(['old', 'new']) }),
  run: async ({ tx, input }) => {
    const { schoolId, collection, search, side, page } = input;
    const row = await replacementInSchool(tx, schoolId, input.replacementId);
    const systemId = side === 'old' ? row.oldSystemId : row.newSystemId;
    const wanted = sql`
      from ${tableOf[collection]} r
     where r.school_id = ${schoolId}::uuid and r.system_id = ${systemId}::uuid and r.gone_at is null and ${searched(collection, search)}
       and not exists (select 1 from replacement_link l where l.school_id = ${schoolId}::uuid and l.replacement_id = ${row.id}::uuid
                          and not l.rejected and l.${sql.raw(side === 'old' ? 'old_id' : 'new_id')} = r.id)`;
    const rows = z.array(z.object({ side: sideSchema })).parse(
      await tx.execute(sql`
        with wanted as (select r.* ${wanted} order by ${orderOf[collection]}, r.id limit ${perPage} offset ${(page - 1) * perPage})
        select ${shown[collection]} as side from wanted r order by ${orderOf[collection]}, r.id`),
    );
    const [total] = totals.parse(await tx.execute(sql`select count(*) as n ${wanted}`));
    return { rows: sideRows.parse(rows.map((found) => found.side)), total: total?.n ?? 0, perPage };
  },
});
