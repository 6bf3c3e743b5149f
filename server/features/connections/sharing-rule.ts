import { and, asc, eq, inArray, isNull } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { rosterGroup, rosterStream, rosterSubject, type SharingRule } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { narrowableFields, personKindOfScope } from '#server/roster/collections.ts';
import type { SystemRow } from './load-rows.ts';
import { assertSites } from './sites-of-school.ts';

/** Rows of a direction that a page offers to choose from. */
const choices = 300;
const ids = z.array(z.string().min(1).max(300)).max(500);

/** What of a release an approver may leave out: whole sites, streams, subjects, groups, and single fields of people. */
export const narrowingFields = {
  /** Empty: all. The same holds for the three below, which are named by the source's ids. */
  sites: z.array(idSchema).max(500),
  streams: ids,
  subjects: ids,
  groups: ids,
  /** `scope:field`. */
  withoutFields: z.array(z.string().max(80)).max(50),
};

/** Fields that can be left out of what these scopes give, as `scope:field`. */
export function narrowableOf(scopes: readonly string[]): string[] {
  return Object.entries(narrowableFields).flatMap(([field, table]) =>
    scopes
      .filter((scope) => (table === 'people' ? scope in personKindOfScope : scope === 'roster.demographics'))
      .map((scope) => `${scope}:${field}`),
  );
}

/**
 * Holds a narrowing to what there is: sites of the school, streams, subjects and groups of the system's roster, fields of the scopes.
 * @throws CrosswalkError `invalid-input` with the fields
 */
export async function assertNarrowing(
  tx: Tx,
  system: SystemRow,
  scopes: readonly string[],
  { rule, withoutFields }: { readonly rule: SharingRule; readonly withoutFields: readonly string[] },
): Promise<void> {
  await assertSites(tx, system.schoolId, rule.sites);
  const possible = narrowableOf(scopes);
  const wrong = withoutFields.every((field) => possible.includes(field)) ? [] : ['withoutFields'];
  const tables = { streams: rosterStream, subjects: rosterSubject, groups: rosterGroup } as const;
  for (const direction of ['streams', 'subjects', 'groups'] as const) {
    const named = [...new Set(rule[direction])];
    if (named.length === 0) continue;
    const table = tables[direction];
    const found = await tx.$count(
      table,
      and(
        eq(table.schoolId, system.schoolId),
        eq(table.systemId, system.id),
        inArray(table.sourceId, named),
        isNull(table.goneAt),
      ),
    );
    if (found !== named.length) wrong.push(direction);
  }
  if (wrong.length > 0) throw new CrosswalkError('invalid-input', { details: { fields: wrong } });
}

/** The streams and subjects of a system's roster by name: the first few hundred, which is all of them at any school. */
export async function narrowableTo(tx: Tx, schoolId: string, systemId: string) {
  const streams = await tx
    .select({ id: rosterStream.sourceId, name: rosterStream.name })
    .from(rosterStream)
    .where(and(eq(rosterStream.schoolId, schoolId), eq(rosterStream.systemId, systemId), isNull(rosterStream.goneAt)))
    .orderBy(asc(rosterStream.name))
    .limit(choices);
  const subjects = await tx
    .select({ id: rosterSubject.sourceId, name: rosterSubject.title })
    .from(rosterSubject)
    .where(
      and(eq(rosterSubject.schoolId, schoolId), eq(rosterSubject.systemId, systemId), isNull(rosterSubject.goneAt)),
    )
    .orderBy(asc(rosterSubject.title))
    .limit(choices);
  return { streams, subjects };
}
