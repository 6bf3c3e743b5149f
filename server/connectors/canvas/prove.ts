import type { Scope } from '#db/schema/vocabulary.ts';
import type { Proof, ProofResult } from '#server/connectors/contract.ts';
import { createDeviations, type Deviations } from '#server/connectors/exchange/deviations.ts';
import { CrosswalkError, isCrosswalkError, toCrosswalkError } from '#server/kernel/errors.ts';
import { type CanvasSession, callCanvas, getPage, listOf, readNames, rootAccount, topAccounts } from './client.ts';
import { courseOf } from './map.ts';
import { refresh } from './token.ts';
import { type Account, courseRecordSchema, groupRecordSchema, userRecordSchema } from './wire.ts';

interface Proving {
  readonly session: CanvasSession;
  readonly tops: readonly Account[];
  readonly deviations: Deviations;
  readonly advice: Set<string>;
}

const id = encodeURIComponent;
const coursesScope = 'url:GET|/api/v1/accounts/:account_id/courses';

async function proveCourses({ session, tops, deviations, advice }: Proving): Promise<void> {
  for (const account of tops) {
    const path = `/api/v1/accounts/${id(account.id)}/courses`;
    const { json } = await getPage(session, path, 'per_page=1', coursesScope, deviations);
    const [course] = Array.isArray(json) ? json : [];
    if (course !== undefined) courseOf(course, { accounts: new Map(), terms: new Map() }, deviations);
  }
  await readNames(session, tops, deviations);
  if (deviations.list().includes('sis-id-not-visible')) advice.add('sis-ids-not-visible');
  if (deviations.list().includes('terms-not-readable')) advice.add('terms-not-readable');
}

/** Each route once, of the first that is there: where there is no course or group yet, its own cannot be asked. */
async function provePeople({ session, deviations, advice }: Proving): Promise<void> {
  const root = await rootAccount(session, deviations);
  const first = async (path: string, query: string, scope: string) =>
    (await getPage(session, path, query, scope, deviations)).json;
  const users = listOf(userRecordSchema)(
    await first(
      `/api/v1/accounts/${id(root)}/users`,
      'per_page=1&include[]=email',
      'url:GET|/api/v1/accounts/:account_id/users',
    ),
  );
  for (const user of users) {
    if (!('email' in user)) advice.add('emails-not-visible');
    if (!('sis_user_id' in user)) advice.add('sis-ids-not-visible');
    await first(`/api/v1/users/${id(user.id)}/logins`, 'per_page=1', 'url:GET|/api/v1/users/:user_id/logins');
  }
  const groups = `/api/v1/accounts/${id(root)}/groups`;
  const groupsScope = 'url:GET|/api/v1/accounts/:account_id/groups';
  for (const group of listOf(groupRecordSchema)(await first(groups, 'per_page=1', groupsScope))) {
    await first(`/api/v1/groups/${id(group.id)}/users`, 'per_page=1', 'url:GET|/api/v1/groups/:group_id/users');
  }
  const courses = `/api/v1/accounts/${id(root)}/courses`;
  for (const course of listOf(courseRecordSchema)(await first(courses, 'per_page=1', coursesScope))) {
    const path = `/api/v1/courses/${id(course.id)}`;
    await first(`${path}/sections`, 'per_page=1', 'url:GET|/api/v1/courses/:course_id/sections');
    await first(`${path}/enrollments`, 'per_page=1', 'url:GET|/api/v1/courses/:course_id/enrollments');
  }
}

/**
 * The right to import, proved without importing: an upload in another encoding than UTF-8 is refused after scope and right were looked at and
 * before anything is kept. The routes that give a record an SIS id have no such harmless question; they show themselves at the first adoption.
 */
async function proveWriting({ session, deviations }: Proving): Promise<void> {
  const root = await rootAccount(session, deviations);
  const path = `/api/v1/accounts/${id(root)}/sis_imports`;
  await getPage(session, path, 'per_page=1', 'url:GET|/api/v1/accounts/:account_id/sis_imports', deviations);
  await callCanvas(session, {
    method: 'POST',
    path: `${path}?import_type=instructure_csv`,
    contentType: 'text/csv; charset=iso-8859-1',
    body: '',
    scope: 'url:POST|/api/v1/accounts/:account_id/sis_imports',
    accepts: 400,
  });
}

const provers: Partial<Record<Scope, (proving: Proving) => Promise<void>>> = {
  'lms.courses': proveCourses,
  'lms.people': provePeople,
  'lms.roster.write': proveWriting,
};

/** Proves the rights on the account, not only the token: a teacher's consent lets us in and shows nothing. */
export async function prove(session: CanvasSession, scopes: readonly Scope[]): Promise<Proof> {
  const advice = new Set<string>();
  let actsAs: Proof['actsAs'] = null;
  const attempt = async (work: () => Promise<void>): Promise<CrosswalkError | null> => {
    try {
      await work();
      return null;
    } catch (error) {
      if (!isCrosswalkError(error)) throw toCrosswalkError(error);
      return error;
    }
  };
  let tops: readonly Account[] = [];
  const shut = await attempt(async () => {
    const tokens = await session.tokens((current) => refresh(session, current));
    actsAs = tokens.actsAs === null ? null : { name: tokens.actsAs, isServiceAccount: null };
    // Canvas cannot tell a person from a service account; a person leaves one day, and the connection with him.
    advice.add('use-service-account');
    tops = await topAccounts(session, createDeviations());
    if (tops.length === 0) {
      throw new CrosswalkError('rights-missing', { details: { problem: 'no-account-administered' } });
    }
  });
  const results: ProofResult[] = [];
  for (const scope of scopes) {
    const prover = provers[scope];
    if (prover === undefined) {
      results.push({ scope, ok: false, errorCode: 'scope-missing', details: { problem: 'not-supported' } });
      continue;
    }
    const refused = shut ?? (await attempt(() => prover({ session, tops, deviations: createDeviations(), advice })));
    results.push(
      refused === null
        ? { scope, ok: true, errorCode: null, details: {} }
        : { scope, ok: false, errorCode: refused.code, details: refused.details },
    );
  }
  const ok = results.every((result) => result.ok);
  return { ok, results, actsAs, about: { product: 'Canvas' }, advice: [...advice] };
}
