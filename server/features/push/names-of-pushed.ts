import type { Tx } from '#db/client.ts';
import type { PushEntity } from '#server/connectors/push-contract.ts';
import { namesOfRecords } from '#server/features/roster-browser/record-names.ts';
import type { RosterCollection } from '#server/roster/collections.ts';

/** Whose names tell somebody. */
const ofPeople: readonly string[] = ['user', 'enrolment', 'membership'] satisfies readonly PushEntity[];
export const isOfPeople = (entity: string): boolean => ofPeople.includes(entity);

/** Where a record of an entity is looked up: a course is a group or a subject, a cohort a class or a stream. */
const lookedUpIn: Readonly<Record<PushEntity, readonly RosterCollection[]>> = {
  term: ['terms'],
  category: ['sites'],
  course: ['groups', 'subjects'],
  section: ['groups'],
  cohort: ['classes', 'streams'],
  user: ['students'],
  enrolment: ['enrolments'],
  // Of a class by an enrolment, of a stream by being of it.
  membership: ['enrolments', 'students'],
};

const isEntity = (word: string): word is PushEntity => Object.hasOwn(lookedUpIn, word);

/** Names by Crosswalk's id, as far as the roster still keeps them. */
export async function namesOfPushed(
  tx: Tx,
  schoolId: string,
  rows: readonly { readonly entity: string; readonly recordId: string | null }[],
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const entity of new Set(rows.map((row) => row.entity))) {
    if (!isEntity(entity)) continue;
    const ids = rows.flatMap((row) => (row.entity === entity && row.recordId !== null ? [row.recordId] : []));
    for (const collection of lookedUpIn[entity]) {
      for (const [id, name] of await namesOfRecords(tx, schoolId, collection, ids)) names.set(id, name);
    }
  }
  return names;
}
