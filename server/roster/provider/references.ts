import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import type { WireStream } from '#server/protocols/oneroster/wire.ts';
import type { GrantView } from '#server/roster/grant-view.ts';

/** Rows that others are filed under, of which there are few whatever the size of the school: the source's id → ours, of what is in the grant. */
export interface References {
  readonly sites: ReadonlyMap<string, string>;
  /** The site that stands above all others. */
  readonly rootSite: string | null;
  readonly terms: ReadonlyMap<string, string>;
  readonly streams: ReadonlyMap<string, WireStream>;
  /** People whom the rows of a page refer to. */
  readonly agents: ReadonlyMap<string, string>;
}

const siteRows = z.array(z.object({ id: z.string(), source_id: z.string(), parent_source_id: z.string().nullable() }));
const termRows = z.array(z.object({ id: z.string(), source_id: z.string() }));
const text = z.string().nullable();
const streamRows = z.array(
  z.object({
    id: z.string(),
    source_id: z.string(),
    code: text,
    name: z.string(),
    programme: text,
    level: text,
    year: text,
  }),
);

/** Reads what the references of a page lead to. */
export async function readReferences(tx: Tx, view: GrantView): Promise<References> {
  const sites = siteRows.parse(
    await tx.execute(
      sql`select r.id, r.source_id, r.parent_source_id from roster_site r where ${view.sites('r')} order by r.source_id`,
    ),
  );
  const terms = termRows.parse(
    await tx.execute(sql`select r.id, r.source_id from roster_term r where ${view.terms('r')}`),
  );
  const streams = view.has('roster.streams')
    ? streamRows.parse(
        await tx.execute(
          sql`select r.id, r.source_id, r.code, r.name, r.programme, r.level, r.year from roster_stream r where ${view.streams('r')}`,
        ),
      )
    : [];
  const known = new Set(sites.map((site) => site.source_id));
  const root = sites.find((site) => site.parent_source_id === null || !known.has(site.parent_source_id));
  return {
    sites: new Map(sites.map((site) => [site.source_id, site.id])),
    rootSite: root?.id ?? null,
    terms: new Map(terms.map((term) => [term.source_id, term.id])),
    streams: new Map(streams.map(({ source_id: sourceId, ...stream }) => [sourceId, stream])),
    agents: new Map(),
  };
}

/** The people of the grant among those whom rows refer to. */
export async function readAgents(
  tx: Tx,
  view: GrantView,
  sourceIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (sourceIds.length === 0) return new Map();
  const { schoolId, systemId } = view.grant;
  const rows = termRows.parse(
    await tx.execute(sql`
      select r.id, r.source_id from roster_person r
       where r.school_id = ${schoolId}::uuid and r.system_id = ${systemId}::uuid
         and r.source_id = any(array(select jsonb_array_elements_text(${JSON.stringify([...new Set(sourceIds)])}::jsonb))) and ${view.people('r')}`),
  );
  return new Map(rows.map((row) => [row.source_id, row.id]));
}
