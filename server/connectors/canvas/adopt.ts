import { createDeviations } from '#server/connectors/exchange/deviations.ts';
import type { AnyPushBatch, PushEntity, PushOutcome, PushProblem } from '#server/connectors/push-contract.ts';
import { CrosswalkError, isCrosswalkError } from '#server/kernel/errors.ts';
import { type CanvasSession, callCanvas, getPage, listOf, rootAccount } from './client.ts';
import {
  accountRecordSchema,
  courseRecordSchema,
  groupRecordSchema,
  loginRecordSchema,
  sectionRecordSchema,
  termRecordSchema,
} from './wire.ts';

const id = encodeURIComponent;

/** Where the SIS id of a record is read and set; the field as the answer names it and as the change does. */
interface Place {
  readonly path: (foreignId: string, root: string) => string;
  readonly scope: string;
  readonly field: string;
  readonly sisIdOf: (json: unknown) => string | null | undefined;
}

const one =
  <T>(
    schema: { safeParse(json: unknown): { success: true; data: T } | { success: false } },
    of: (raw: T) => string | null | undefined,
  ) =>
  (json: unknown): string | null | undefined => {
    const parsed = schema.safeParse(json);
    if (parsed.success) return of(parsed.data);
    throw new CrosswalkError('foreign-answer-unreadable', { details: { problem: 'another-shape' } });
  };

const places = {
  term: {
    path: (foreignId, root) => `/api/v1/accounts/${id(root)}/terms/${id(foreignId)}`,
    scope: '/api/v1/accounts/:account_id/terms/:id',
    field: 'enrollment_term[sis_term_id]',
    sisIdOf: one(termRecordSchema, (raw) => raw.sis_term_id),
  },
  category: {
    path: (foreignId) => `/api/v1/accounts/${id(foreignId)}`,
    scope: '/api/v1/accounts/:id',
    field: 'account[sis_account_id]',
    sisIdOf: one(accountRecordSchema, (raw) => raw.sis_account_id),
  },
  course: {
    path: (foreignId) => `/api/v1/courses/${id(foreignId)}`,
    scope: '/api/v1/courses/:id',
    field: 'course[sis_course_id]',
    sisIdOf: one(courseRecordSchema, (raw) => raw.sis_course_id),
  },
  section: {
    path: (foreignId) => `/api/v1/sections/${id(foreignId)}`,
    scope: '/api/v1/sections/:id',
    field: 'course_section[sis_section_id]',
    sisIdOf: one(sectionRecordSchema, (raw) => raw.sis_section_id),
  },
  cohort: {
    path: (foreignId) => `/api/v1/groups/${id(foreignId)}`,
    scope: '/api/v1/groups/:group_id',
    field: 'sis_group_id',
    sisIdOf: one(groupRecordSchema, (raw) => raw.sis_group_id),
  },
} as const satisfies Partial<Record<PushEntity, Place>>;

const isPlaced = (entity: PushEntity): entity is keyof typeof places => entity in places;

interface Adoption {
  readonly key: string;
  readonly foreignId: string;
}

/** Our key in a record that has none; what bears another SIS id is somebody else's and stays so. */
async function adoptAt(
  session: CanvasSession,
  place: Place,
  root: string,
  { key, foreignId }: Adoption,
): Promise<PushProblem | null> {
  const path = place.path(foreignId, root);
  const stands = place.sisIdOf(await callCanvas(session, { method: 'GET', path, scope: `url:GET|${place.scope}` }));
  if (stands === key) return null;
  if (stands !== null) return stands === undefined ? 'rights-missing' : 'key-taken';
  const body = new URLSearchParams({ [place.field]: key }).toString();
  const contentType = 'application/x-www-form-urlencoded';
  const scope = `url:PUT|${place.scope}`;
  const answer = await callCanvas(session, { method: 'PUT', path, scope, body, contentType });
  return place.sisIdOf(answer) === key ? null : 'not-written';
}

/** A person's SIS id stands in a login: the one without, of those that he has. */
async function adoptUser(
  session: CanvasSession,
  root: string,
  { key, foreignId }: Adoption,
): Promise<PushProblem | null> {
  const path = `/api/v1/users/${id(foreignId)}/logins`;
  const scope = 'url:GET|/api/v1/users/:user_id/logins';
  const { json } = await getPage(session, path, 'per_page=100', scope, createDeviations());
  const logins = listOf(loginRecordSchema)(json);
  if (logins.some((login) => login.sis_user_id === key)) return null;
  const login = logins.find((one) => one.sis_user_id === null && one.workflow_state !== 'deleted');
  if (login === undefined)
    return logins.some((one) => typeof one.sis_user_id === 'string') ? 'key-taken' : 'rights-missing';
  const answer = await callCanvas(session, {
    method: 'PUT',
    path: `/api/v1/accounts/${id(root)}/logins/${id(login.id)}`,
    scope: 'url:PUT|/api/v1/accounts/:account_id/logins/:id',
    body: new URLSearchParams({ 'login[sis_user_id]': key }).toString(),
    contentType: 'application/x-www-form-urlencoded',
  });
  const parsed = loginRecordSchema.safeParse(answer);
  return parsed.success && parsed.data.sis_user_id === key ? null : 'not-written';
}

/** A refusal of this one record; null where the whole batch met with something else. */
function refusalOf(error: unknown): PushProblem | null {
  if (!isCrosswalkError(error)) return null;
  if (error.code === 'foreign-not-found') return 'gone-over-there';
  // Canvas answers 400 or 422 where another record has the SIS id.
  return [400, 409, 422].includes(Number(error.details.status)) ? 'key-taken' : null;
}

/**
 * Gives records that somebody else made our keys, call by call, and nothing else to them. An enrolment and a membership have no key over there:
 * they are known by whom they join.
 */
export async function adopt(session: CanvasSession, batch: AnyPushBatch): Promise<readonly PushOutcome[]> {
  const root = await rootAccount(session, createDeviations());
  const outcomes: PushOutcome[] = [];
  for (const { key, foreignId } of batch.changes) {
    let problem: PushProblem | null;
    try {
      if (foreignId === null) problem = 'gone-over-there';
      else if (isPlaced(batch.entity)) problem = await adoptAt(session, places[batch.entity], root, { key, foreignId });
      else if (batch.entity === 'user') problem = await adoptUser(session, root, { key, foreignId });
      else problem = null;
    } catch (error) {
      problem = refusalOf(error);
      if (problem === null) throw error;
    }
    outcomes.push({
      key,
      outcome: problem === null ? 'done' : 'refused',
      foreignId: problem === null ? foreignId : null,
      name: null,
      problem,
      details: {},
    });
  }
  return outcomes;
}
