import { and, asc, eq, gt } from 'drizzle-orm';
import { z } from 'zod';
import { heldChange, rosterChange } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { type FieldChange, fieldChanges } from '#server/features/roster-browser/field-changes.ts';
import { namesOfRecords } from '#server/features/roster-browser/record-names.ts';
import { isAboutPeople, seesPeople } from '#server/features/roster-browser/who-sees-people.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { rosterCollections } from '#server/roster/collections.ts';
import { getRunInSchool } from './load-run.ts';

const pageSize = 50;

/** What a run did or would do to a record. `first` stands for all records of a collection that nothing was kept of before. */
export const changeKinds = ['added', 'changed', 'returned', 'gone', 'reused', 'first'] as const;
type ChangeKind = (typeof changeKinds)[number];

const appliedAs: Readonly<Record<(typeof rosterChange.$inferSelect)['kind'], ChangeKind>> = {
  baseline: 'first',
  created: 'added',
  updated: 'changed',
  deleted: 'gone',
};
const loggedAs: Readonly<Record<ChangeKind, (typeof rosterChange.$inferSelect)['kind'] | null>> = {
  first: 'baseline',
  added: 'created',
  changed: 'updated',
  gone: 'deleted',
  // The log tells of a record that came back as of any that came.
  returned: null,
  reused: null,
};

export interface RunChange {
  readonly id: string;
  readonly kind: ChangeKind;
  readonly recordId: string | null;
  /** Null where the record is no longer kept. */
  readonly name: string | null;
  readonly fields: readonly FieldChange[];
  /** Of `first`: how many. */
  readonly records: number | null;
}

/**
 * The diff of a run in one collection, row by row with before and after: of an applied run what it did, of a held one what it would do. A
 * page at a time; `after` is the `next` of the page before. Rows about somebody are for whoever sees people.
 * @throws CrosswalkError `not-found`, `forbidden`
 */
export const listRunChanges = defineVerb({
  name: 'sync.list-run-changes',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({
    schoolId: idSchema,
    syncRunId: idSchema,
    collection: z.enum(rosterCollections),
    kind: z.enum(changeKinds).optional(),
    after: z.union([idSchema, z.string().regex(/^\d{1,15}$/)]).optional(),
  }),
  run: async ({ input, party, tx }) => {
    const { schoolId, collection, kind } = input;
    if (isAboutPeople(collection) && !seesPeople(party)) throw new CrosswalkError('forbidden');
    const run = await getRunInSchool(tx, schoolId, input.syncRunId);
    const of = { schoolId, systemId: run.systemId };
    // A run that was decided on meanwhile is looked at from its beginning: its rows are others now.
    const afterId = idSchema.safeParse(input.after).data;
    const afterSeq = input.after !== undefined && afterId === undefined ? Number(input.after) : undefined;
    if (run.state === 'held') {
      if (kind === 'first') return { changes: [], next: null };
      const rows = await tx
        .select()
        .from(heldChange)
        .where(
          and(
            eq(heldChange.schoolId, schoolId),
            eq(heldChange.syncRunId, run.id),
            eq(heldChange.collection, collection),
            kind === undefined ? undefined : eq(heldChange.kind, kind),
            afterId === undefined ? undefined : gt(heldChange.id, afterId),
          ),
        )
        .orderBy(asc(heldChange.id))
        .limit(pageSize + 1);
      const shown = rows.slice(0, pageSize);
      const fields = await fieldChanges(tx, of, shown);
      const names = await namesOfRecords(tx, schoolId, collection, recordIds(shown));
      const changes: RunChange[] = shown.map((row, index) => ({
        id: row.id,
        kind: row.kind,
        recordId: row.recordId,
        name: (row.recordId === null ? undefined : names.get(row.recordId)) ?? (row.name === '' ? null : row.name),
        fields: fields[index] ?? [],
        records: null,
      }));
      return { changes, next: rows.length > pageSize ? (changes.at(-1)?.id ?? null) : null };
    }
    const logged = kind === undefined ? undefined : loggedAs[kind];
    if (logged === null) return { changes: [], next: null };
    const rows = await tx
      .select()
      .from(rosterChange)
      .where(
        and(
          eq(rosterChange.schoolId, schoolId),
          eq(rosterChange.syncRunId, run.id),
          eq(rosterChange.collection, collection),
          logged === undefined ? undefined : eq(rosterChange.kind, logged),
          afterSeq === undefined ? undefined : gt(rosterChange.seq, afterSeq),
        ),
      )
      .orderBy(asc(rosterChange.seq))
      .limit(pageSize + 1);
    const shown = rows.slice(0, pageSize);
    const fields = await fieldChanges(tx, of, shown);
    const names = await namesOfRecords(tx, schoolId, collection, recordIds(shown));
    const changes: RunChange[] = shown.map((row, index) => ({
      id: String(row.seq),
      kind: appliedAs[row.kind],
      recordId: row.recordId,
      name: row.recordId === null ? null : (names.get(row.recordId) ?? null),
      fields: fields[index] ?? [],
      records: row.records,
    }));
    return { changes, next: rows.length > pageSize ? (changes.at(-1)?.id ?? null) : null };
  },
});

const recordIds = (rows: readonly { readonly recordId: string | null }[]) =>
  rows.flatMap(({ recordId }) => recordId ?? []);
