import { type SQL, sql } from 'drizzle-orm';
import type { Part } from '#server/protocols/oneroster/endpoints.ts';
import type { ObjectName } from '#server/protocols/oneroster/fields.ts';
import type { GrantView } from '#server/roster/grant-view.ts';
import type { Reading } from './open-reading.ts';

/** How a tombstone names what it stood for. */
export const tombstoneCollections = {
  student: 'students',
  teacher: 'teachers',
  guardian: 'guardians',
  enrollment: 'enrolments',
  demographics: 'demographics',
} as const;

interface Deletable {
  readonly from: SQL;
  readonly id: SQL;
  readonly visible: (view: GrantView) => SQL;
  /** When a row that is here still left the grant, at the latest. */
  readonly leftAt: SQL;
  readonly tombstones: readonly string[];
}

function deletable(object: ObjectName, part: Part | null): Deletable {
  const own = { id: sql`r.id`, leftAt: sql`r.changed_at`, tombstones: [] };
  switch (object) {
    case 'org':
      return { ...own, from: sql`roster_site r`, visible: (view) => view.sites('r') };
    case 'academicSession':
      return { ...own, from: sql`roster_term r`, visible: (view) => view.terms('r') };
    case 'course':
      return { ...own, from: sql`roster_subject r`, visible: (view) => view.subjects('r') };
    case 'class':
      return { ...own, from: sql`roster_group r`, visible: (view) => view.groups('r') };
    case 'user': {
      const kind = part === 'student' || part === 'teacher' ? part : null;
      return {
        id: sql`r.id`,
        from: sql`roster_person r`,
        visible: (view) => (kind === null ? view.people('r') : view.peopleOfKind('r', kind)),
        leftAt: sql`greatest(r.changed_at, (select max(greatest(e.changed_at, g.changed_at)) from roster_enrolment e
          join roster_group g on g.id = e.group_id where e.person_id = r.id))`,
        tombstones:
          kind === null
            ? [tombstoneCollections.student, tombstoneCollections.teacher, tombstoneCollections.guardian]
            : [tombstoneCollections[kind]],
      };
    }
    case 'enrollment':
      return {
        id: sql`r.id`,
        from: sql`roster_enrolment r join roster_group g on g.id = r.group_id join roster_person p on p.id = r.person_id`,
        visible: (view) => view.enrolmentsJoined('r', 'g', 'p'),
        leftAt: sql`greatest(r.changed_at, g.changed_at, p.changed_at)`,
        tombstones: [tombstoneCollections.enrollment],
      };
    case 'demographics':
      return {
        id: sql`r.person_id`,
        from: sql`roster_demographics r join roster_person p on p.id = r.person_id`,
        visible: (view) => view.demographics('r'),
        leftAt: sql`greatest(r.changed_at, p.changed_at)`,
        tombstones: [tombstoneCollections.demographics],
      };
  }
}

/**
 * What the consumer could see and sees no more, as `id` and `at`: gone from the roster, out of the rule, or out of the grant since it was
 * narrowed; and whom the school withholds. Told for thirty days, to nobody who could not see it.
 */
export function deletedHeads(
  { connectionId, view, seen, since, horizon }: Reading,
  object: ObjectName,
  part: Part | null,
): SQL {
  const { from, id, visible, leftAt, tombstones } = deletable(object, part);
  const ofPart = part === null || part === 'student' || part === 'teacher' ? sql`true` : sql`r.kind = ${part}`;
  const was = sql.join(
    seen.map((one) => visible(one)),
    sql` or `,
  );
  const resting = sql`
    select ${id} as id, coalesce(r.gone_at, greatest(${leftAt}, ${since.toISOString()}::timestamptz)) as at
      from ${from} where (${was}) and (${visible(view)}) is not true and ${ofPart}`;
  if (tombstones.length === 0) return resting;
  return sql`${resting}
    union all
    select t.record_id, t.at from provider_tombstone t
     where t.school_id = ${view.grant.schoolId}::uuid and t.connection_id = ${connectionId}::uuid and t.at > ${horizon.toISOString()}::timestamptz
       and t.collection in (select jsonb_array_elements_text(${JSON.stringify(tombstones)}::jsonb))`;
}
