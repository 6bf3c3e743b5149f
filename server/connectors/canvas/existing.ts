import type { z } from 'zod';
import { createDeviations, type Deviations } from '#server/connectors/exchange/deviations.ts';
import { follow, startTrail } from '#server/connectors/exchange/repeat-detection.ts';
import type { ExistingAsk, ExistingPage, ExistingRecord, PushEntity } from '#server/connectors/push-contract.ts';
import { CrosswalkError, isCrosswalkError } from '#server/kernel/errors.ts';
import { type CanvasSession, getPage, listOf, pageSize, rootAccount } from './client.ts';
import {
  accountRecordSchema,
  courseRecordSchema,
  enrolmentRecordSchema,
  groupRecordSchema,
  sectionRecordSchema,
  termRecordsSchema,
  userRecordSchema,
} from './wire.ts';

/** SIS ids that the person who consented may not see are absent; who has none has null. */
const keyOf = (raw: object, name: string, value: string | null | undefined): ExistingRecord['key'] =>
  name in raw ? (value ?? null) : 'hidden';

const nothing = {
  name: null,
  code: null,
  email: null,
  state: 'active',
  userForeignId: null,
  parentForeignId: null,
  role: null,
} as const satisfies Partial<ExistingRecord>;

/** Where the records of an entity are listed, and what of them is told. */
interface Listing {
  readonly path: (at: string) => string;
  readonly scope: string;
  readonly query?: string;
  /** `at`: the parent's id, or the root account's. */
  readonly read: (json: unknown, at: string) => readonly ExistingRecord[];
}

const id = encodeURIComponent;
const record = (foreignId: string, key: ExistingRecord['key'], told: Partial<ExistingRecord>): ExistingRecord => ({
  ...nothing,
  foreignId,
  key,
  ...told,
});

function termsOf(json: unknown): z.infer<typeof termRecordsSchema>['enrollment_terms'] {
  const parsed = termRecordsSchema.safeParse(json);
  if (parsed.success) return parsed.data.enrollment_terms;
  throw new CrosswalkError('foreign-answer-unreadable', { details: { problem: 'another-shape' } });
}

const roles = new Map([
  ['StudentEnrollment', 'student'],
  ['TeacherEnrollment', 'teacher'],
] as const);
const roleOf = (type: string): ExistingRecord['role'] => [...roles].find(([word]) => word === type)?.[1] ?? null;

const listings = {
  term: {
    path: (root) => `/api/v1/accounts/${id(root)}/terms`,
    scope: 'url:GET|/api/v1/accounts/:account_id/terms',
    query: 'workflow_state[]=all',
    read: (json) =>
      termsOf(json).map((raw) =>
        record(raw.id, keyOf(raw, 'sis_term_id', raw.sis_term_id), {
          name: raw.name ?? null,
          state: raw.workflow_state === 'deleted' ? 'deleted' : 'active',
        }),
      ),
  },
  category: {
    path: (root) => `/api/v1/accounts/${id(root)}/sub_accounts`,
    scope: 'url:GET|/api/v1/accounts/:account_id/sub_accounts',
    read: (json) =>
      listOf(accountRecordSchema)(json).map((raw) =>
        record(raw.id, keyOf(raw, 'sis_account_id', raw.sis_account_id), { name: raw.name ?? null }),
      ),
  },
  course: {
    path: (root) => `/api/v1/accounts/${id(root)}/courses`,
    scope: 'url:GET|/api/v1/accounts/:account_id/courses',
    query: ['created', 'claimed', 'available', 'completed', 'deleted'].map((state) => `state[]=${state}`).join('&'),
    read: (json) =>
      listOf(courseRecordSchema)(json).map((raw) =>
        record(raw.id, keyOf(raw, 'sis_course_id', raw.sis_course_id), {
          name: raw.name ?? null,
          code: raw.course_code ?? null,
          state: raw.workflow_state === 'deleted' ? 'deleted' : 'active',
        }),
      ),
  },
  section: {
    path: (course) => `/api/v1/courses/${id(course)}/sections`,
    scope: 'url:GET|/api/v1/courses/:course_id/sections',
    read: (json, course) =>
      listOf(sectionRecordSchema)(json).map((raw) =>
        record(raw.id, keyOf(raw, 'sis_section_id', raw.sis_section_id), {
          name: raw.name ?? null,
          parentForeignId: raw.course_id ?? course,
        }),
      ),
  },
  cohort: {
    path: (root) => `/api/v1/accounts/${id(root)}/groups`,
    scope: 'url:GET|/api/v1/accounts/:account_id/groups',
    read: (json) =>
      listOf(groupRecordSchema)(json).map((raw) =>
        record(raw.id, keyOf(raw, 'sis_group_id', raw.sis_group_id), { name: raw.name ?? null }),
      ),
  },
  user: {
    path: (root) => `/api/v1/accounts/${id(root)}/users`,
    scope: 'url:GET|/api/v1/accounts/:account_id/users',
    query: 'include[]=email',
    read: (json) =>
      listOf(userRecordSchema)(json).map((raw) =>
        record(raw.id, keyOf(raw, 'sis_user_id', raw.sis_user_id), {
          name: raw.name ?? null,
          code: raw.login_id ?? null,
          email: raw.email ?? null,
        }),
      ),
  },
  enrolment: {
    path: (course) => `/api/v1/courses/${id(course)}/enrollments`,
    scope: 'url:GET|/api/v1/courses/:course_id/enrollments',
    query: [
      'state[]=active',
      'state[]=invited',
      'state[]=inactive',
      ...[...roles.keys()].map((type) => `type[]=${type}`),
    ].join('&'),
    read: (json) =>
      listOf(enrolmentRecordSchema)(json).map((raw) =>
        record(raw.id, null, {
          userForeignId: raw.user_id,
          parentForeignId: raw.course_id,
          role: roleOf(raw.type),
          state: raw.enrollment_state === 'inactive' ? 'suspended' : 'active',
        }),
      ),
  },
  membership: {
    path: (group) => `/api/v1/groups/${id(group)}/users`,
    scope: 'url:GET|/api/v1/groups/:group_id/users',
    read: (json, group) =>
      listOf(userRecordSchema)(json).map((raw) =>
        // A member is told, not the membership: the two together are its name.
        record(`${group}/${raw.id}`, null, { userForeignId: raw.id, parentForeignId: group }),
      ),
  },
} as const satisfies Readonly<Record<PushEntity, Listing>>;

/** A page of a listing and the query of the next. */
async function read(session: CanvasSession, listing: Listing, at: string, query: string, deviations: Deviations) {
  const { json, next } = await getPage(session, listing.path(at), query, listing.scope, deviations);
  if (typeof next !== 'string') return { records: listing.read(json, at), next: null };
  return { records: listing.read(json, at), next };
}

const firstQuery = ({ query }: Listing): string => `per_page=${pageSize}${query === undefined ? '' : `&${query}`}`;

/** Whole lists below a parent: sections of a course, members of a group. One that is gone over there has none. */
async function* within(
  session: CanvasSession,
  listing: Listing,
  parents: readonly string[],
): AsyncGenerator<ExistingPage> {
  const deviations = createDeviations();
  for (const parent of parents) {
    let query: string | null = firstQuery(listing);
    let trail: ReturnType<typeof follow> = startTrail(query);
    while (query !== null && trail !== null) {
      const page: Awaited<ReturnType<typeof read>> | null = await read(
        session,
        listing,
        parent,
        query,
        deviations,
      ).catch((error: unknown) => {
        if (isCrosswalkError(error, 'foreign-not-found')) return null;
        throw error;
      });
      if (page === null) break;
      yield { records: page.records, cursor: null };
      query = page.next;
      trail = query === null ? null : follow(trail, query);
    }
  }
}

/** What is there already, whoever made it. @throws CrosswalkError `internal` for an entity that is not read in this way */
export async function* readExisting(session: CanvasSession, ask: ExistingAsk): AsyncGenerator<ExistingPage> {
  const listing: Listing = listings[ask.entity];
  if (ask.by === 'within') {
    yield* within(
      session,
      listing,
      ask.parents.flatMap(({ foreignId }) => (foreignId === null ? [] : [foreignId])),
    );
    return;
  }
  if (ask.by === 'look-up') throw new CrosswalkError('internal', { details: { problem: 'not-read-by-look-up' } });
  const deviations = createDeviations();
  const root = await rootAccount(session, deviations);
  let query: string | null = ask.cursor ?? firstQuery(listing);
  let trail: ReturnType<typeof follow> = startTrail(query);
  while (query !== null) {
    const page: Awaited<ReturnType<typeof read>> = await read(session, listing, root, query, deviations);
    trail = page.next === null || trail === null ? null : follow(trail, page.next);
    if (page.next !== null && trail === null) {
      throw new CrosswalkError('foreign-answer-unreadable', { details: { problem: 'next-link-repeated' } });
    }
    yield { records: page.records, cursor: page.next };
    query = page.next;
  }
}
