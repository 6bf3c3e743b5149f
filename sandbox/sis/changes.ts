/** Changes to a running SIS's records, so that a journey can rename a group, mark a person as gone, or lose a record. */

import { z } from 'zod';
import type { ChangeSet } from '../generator/change-set.ts';
import { changesOf } from '../generator/change-set.ts';
import type { Base } from '../generator/records.ts';
import type { SchoolData } from './data.ts';

/** A change to one record. `name` is its title or name, a person's family name; exactly what is given changes. */
export const changeSchema = z.strictObject({
  collection: z.enum(['orgs', 'academicSessions', 'courses', 'classes', 'users', 'enrollments', 'demographics']),
  id: z.string(),
  name: z.string().optional(),
  status: z.enum(['active', 'tobedeleted']).optional(),
  /** True: the record vanishes without a trace, as some providers do. */
  remove: z.boolean().optional(),
});

export type Change = z.output<typeof changeSchema>;

function edit<T extends Base>(
  records: Map<string, T>,
  change: Change,
  modified: string,
  rename: (record: T, name: string) => T,
): boolean {
  const record = records.get(change.id);
  if (record === undefined) return false;
  if (change.remove === true) return records.delete(change.id);
  const named = change.name === undefined ? record : rename(record, change.name);
  records.set(change.id, { ...named, status: change.status ?? named.status, modified });
  return true;
}

/** Makes a change and stamps the record with the moment; false if there is no such record. */
export function applyChange(data: SchoolData, change: Change, now: number): boolean {
  const modified = new Date(now).toISOString();
  const done = ((): boolean => {
    switch (change.collection) {
      case 'orgs':
        return edit(data.orgs, change, modified, (record, name) => ({ ...record, name }));
      case 'academicSessions':
        return edit(data.academicSessions, change, modified, (record, title) => ({ ...record, title }));
      case 'courses':
        return edit(data.courses, change, modified, (record, title) => ({ ...record, title }));
      case 'classes':
        return edit(data.classes, change, modified, (record, title) => ({ ...record, title }));
      case 'users':
        return edit(data.users, change, modified, (record, family) => ({ ...record, family }));
      case 'enrollments':
        return edit(data.enrollments, change, modified, (record) => record);
      case 'demographics':
        return edit(data.demographics, change, modified, (record) => record);
      default:
        return change.collection satisfies never;
    }
  })();
  if (done) data.changed();
  return done;
}

/** A set of changes as a control request names it. */
export const changeSetSchema = z.strictObject({
  percent: z.number().min(0).max(100),
  removedPercent: z.number().min(0).max(100).optional(),
  seed: z.string().optional(),
});

/** Makes a whole set of changes, each record stamped with the moment, and tells how many records changed. */
export function applyChangeSet(data: SchoolData, set: ChangeSet, now: number): number {
  const changes = changesOf(data.school, set);
  const modified = new Date(now).toISOString();
  let count = 0;
  const change = <T extends Base>(records: Map<string, T>, make: (record: T) => T): void => {
    for (const [id, record] of records) {
      const made = make(record);
      if (made === record) continue;
      records.set(id, { ...made, modified });
      count += 1;
    }
  };
  change(data.orgs, changes.org);
  change(data.courses, changes.course);
  change(data.classes, changes.class);
  change(data.users, changes.person);
  change(data.enrollments, changes.enrolment);
  change(data.demographics, changes.demographics);
  data.changed();
  return count;
}
