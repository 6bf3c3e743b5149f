import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import type {
  AnyPushChange,
  PushChange,
  PushContent,
  PushEntity,
  Reference,
} from '#server/connectors/push-contract.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { stagedPush } from './push-staging.ts';
import type { PushAt } from './read-there.ts';

/** A planned row with what is wanted, what the ledger knows and what was read over there. */
export const changeRows = z.array(
  z.object({
    key: z.string(),
    ordinal: z.coerce.number(),
    /** An earlier attempt sent it and heard nothing. */
    was_sent: z.boolean(),
    action: z.enum(['create', 'update', 'adopt', 'suspend', 'restore', 'remove', 'keep']),
    foreign_id: z.string().nullable(),
    keeps_name: z.boolean(),
    origin: z.string().nullable(),
    has_wanted: z.boolean(),
    name: z.string().nullable(),
    code: z.string().nullable(),
    email: z.string().nullable(),
    made_email: z.boolean().nullable(),
    given: z.string().nullable(),
    family: z.string().nullable(),
    starts_on: z.string().nullable(),
    ends_on: z.string().nullable(),
    kind: z.string().nullable(),
    role: z.string().nullable(),
    category_key: z.string().nullable(),
    category_id: z.string().nullable(),
    term_key: z.string().nullable(),
    term_id: z.string().nullable(),
    course_key: z.string().nullable(),
    course_id: z.string().nullable(),
    parent_key: z.string().nullable(),
    parent_id: z.string().nullable(),
    user_key: z.string().nullable(),
    user_id: z.string().nullable(),
    there_name: z.string().nullable(),
    there_code: z.string().nullable(),
    is_there: z.boolean(),
  }),
);
export type ChangeRow = z.infer<typeof changeRows>[number];

/** Reads rows of `source` (with the columns entity, key, ordinal, state, action, foreign_id, keeps_name) with all that a change of them says. */
export async function readChanges(tx: Tx, push: PushAt, entity: PushEntity, source: SQL): Promise<ChangeRow[]> {
  const ledger = (as: string, of: string, key: SQL) => sql`
    left join push_ledger ${sql.raw(as)} on ${sql.raw(as)}.school_id = ${push.schoolId}::uuid and ${sql.raw(as)}.system_id = ${push.systemId}::uuid
      and ${sql.raw(as)}.entity = ${of} and ${sql.raw(as)}.key = ${key} and ${sql.raw(as)}.gone_at is null`;
  const cell = (name: string) => sql`coalesce(w.${sql.raw(name)}, l.${sql.raw(name)})`;
  return changeRows.parse(
    await tx.execute(sql`
      select r.key, r.ordinal, (r.state = 'sent' or coalesce(l.sent_at is not null and l.written_at is null, false)) as was_sent, r.action, coalesce(r.foreign_id, l.foreign_id) as foreign_id, r.keeps_name, l.origin, w.key is not null as has_wanted,
             w.name, w.code, w.email, w.made_email, w.given, w.family, w.starts_on, w.ends_on, w.kind, ${cell('role')} as role,
             w.category_key, ca.foreign_id as category_id, w.term_key, te.foreign_id as term_id, ${cell('course_key')} as course_key, co.foreign_id as course_id,
             ${cell('parent_key')} as parent_key, pa.foreign_id as parent_id, ${cell('user_key')} as user_key, us.foreign_id as user_id,
             t.name as there_name, t.code as there_code, t.foreign_id is not null as is_there
        from (${source}) r
        left join ${stagedPush(push, 'wanted')} w on w.entity = ${entity} and w.key = r.key
        left join push_ledger l on l.school_id = ${push.schoolId}::uuid and l.system_id = ${push.systemId}::uuid and l.entity = ${entity} and l.key = r.key
        left join ${stagedPush(push, 'there')} t on t.entity = ${entity} and t.foreign_id = coalesce(r.foreign_id, l.foreign_id)
        ${ledger('ca', 'category', sql`w.category_key`)} ${ledger('te', 'term', sql`w.term_key`)} ${ledger('co', 'course', cell('course_key'))}
        ${ledger('pa', entity === 'membership' ? 'cohort' : 'section', cell('parent_key'))} ${ledger('us', 'user', cell('user_key'))}
       order by r.ordinal, r.key`),
  );
}

/** What a change lacks over there, so that it cannot be sent; null where it can. Pure. */
export function lacks(entity: PushEntity, row: ChangeRow): 'parent-missing' | 'user-missing' | null {
  const isMissing = (key: string | null, id: string | null) => key !== null && id === null;
  if ((entity === 'enrolment' || entity === 'membership') && row.user_id === null) return 'user-missing';
  if (entity === 'enrolment' && (row.course_id === null || isMissing(row.parent_key, row.parent_id)))
    return 'parent-missing';
  if (entity === 'membership' && row.parent_id === null) return 'parent-missing';
  if (entity === 'section' && row.course_id === null) return 'parent-missing';
  const isWritten = row.action === 'create' || row.action === 'update';
  if (
    entity === 'course' &&
    isWritten &&
    (isMissing(row.category_key, row.category_id) || isMissing(row.term_key, row.term_id))
  )
    return 'parent-missing';
  return null;
}

const reference = (key: string | null, foreignId: string | null): Reference => {
  if (key === null) throw new CrosswalkError('internal', { details: { problem: 'reference-missing' } });
  return { key, foreignId };
};
const optional = (key: string | null, foreignId: string | null): Reference | null =>
  key === null ? null : { key, foreignId };
const roleOf = (row: ChangeRow) => (row.role === 'teacher' ? 'teacher' : 'student');

/** What is wanted of each entity, as a connector is told it. Pure. */
const contents: { readonly [E in PushEntity]: (row: ChangeRow, signIn: string) => PushContent[E] | null } = {
  term: (row) =>
    row.has_wanted ? { name: row.name ?? row.key, startsOn: row.starts_on ?? '', endsOn: row.ends_on ?? '' } : null,
  category: (row) => (row.has_wanted ? { name: row.name ?? row.key } : null),
  course: (row) =>
    row.has_wanted
      ? {
          name: row.keeps_name ? null : row.name,
          code: row.keeps_name ? null : row.code,
          category: optional(row.category_key, row.category_id),
          term: optional(row.term_key, row.term_id),
          startsOn: row.starts_on,
          endsOn: row.ends_on,
        }
      : null,
  section: (row) => ({ name: row.keeps_name ? null : row.name, course: reference(row.course_key, row.course_id) }),
  cohort: (row) =>
    row.has_wanted ? { name: row.keeps_name ? null : row.name, of: row.kind === 'stream' ? 'stream' : 'class' } : null,
  user: (row, signIn) => {
    if (!row.has_wanted || row.given === null || row.family === null) return null;
    const isOthers = row.origin === 'adopted' || row.action === 'adopt';
    return {
      username: isOthers ? null : row.code,
      givenName: row.given,
      familyName: row.family,
      // An address of a real mailbox is never written over by one that was made up.
      email: isOthers && row.made_email === true ? null : row.email,
      signIn: isOthers ? null : signIn,
    };
  },
  enrolment: (row) => ({
    user: reference(row.user_key, row.user_id),
    course: reference(row.course_key, row.course_id),
    section: optional(row.parent_key, row.parent_id),
    role: roleOf(row),
  }),
  membership: (row) => ({
    user: reference(row.user_key, row.user_id),
    cohort: reference(row.parent_key, row.parent_id),
  }),
};

/** A row as a change that a connector carries over. Pure. */
export function changeOf<E extends PushEntity>(entity: E, row: ChangeRow, signIn: string): PushChange<E> {
  return {
    entity,
    action: row.action,
    key: row.key,
    foreignId: row.foreign_id,
    content: contents[entity](row, signIn),
    standsAs: row.is_there ? { name: row.there_name, code: row.there_code } : null,
    ordinal: row.ordinal,
  };
}

/** The same where the entity is one of many. */
export function anyChangeOf(entity: PushEntity, row: ChangeRow, signIn: string): AnyPushChange {
  switch (entity) {
    case 'term':
      return changeOf(entity, row, signIn);
    case 'category':
      return changeOf(entity, row, signIn);
    case 'course':
      return changeOf(entity, row, signIn);
    case 'section':
      return changeOf(entity, row, signIn);
    case 'cohort':
      return changeOf(entity, row, signIn);
    case 'user':
      return changeOf(entity, row, signIn);
    case 'enrolment':
      return changeOf(entity, row, signIn);
    case 'membership':
      return changeOf(entity, row, signIn);
  }
}
