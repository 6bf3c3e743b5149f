import type { Scope } from '#db/schema/vocabulary.ts';
import type {
  Collection,
  Connector,
  Page,
  PreviewCollection,
  Proof,
  ProofResult,
  RecordOf,
  SetAside,
} from '#server/connectors/contract.ts';
import { createDeviations } from '#server/connectors/exchange/deviations.ts';
import { CrosswalkError, isCrosswalkError, toCrosswalkError } from '#server/kernel/errors.ts';
import { originOf } from '#server/kernel/outbound/client.ts';
import { call, type MoodleSession } from './client.ts';
import { guide } from './guide.ts';
import { courseOf, siteCourseId } from './map.ts';
import { provePeople, proveRosterWrite } from './prove-write.ts';
import { push } from './push/index.ts';
import {
  courseFunctions,
  peopleFunctions,
  rosterFunctions,
  type Secret,
  type Settings,
  secretSchema,
  settingsSchema,
  type WsFunction,
} from './settings.ts';
import { coursesSchema, siteInfoSchema } from './wire.ts';

const serves = (scopes: readonly Scope[]) => scopes.includes('lms.courses');

/** The web service functions that each scope needs. */
const functionsOfScope: Readonly<Partial<Record<Scope, readonly WsFunction[]>>> = {
  'lms.courses': courseFunctions,
  'lms.people': peopleFunctions,
  'lms.roster.write': rosterFunctions,
};

/** Moodle: a token of a web service, courses and their ids; a roster written into it. */
export const moodle = {
  id: 'moodle',
  kind: 'lms',
  products: [{ id: 'moodle', name: 'Moodle', preset: {} }],
  authentication: { kind: 'token' },
  settingsFields: [
    {
      name: 'baseUrl',
      label: 'moodle.field.base-url',
      kind: 'url',
      required: true,
      example: 'https://moodle.school.example',
    },
    { name: 'teacherRole', label: 'moodle.field.teacher-role', kind: 'text', required: false, example: '3' },
    { name: 'studentRole', label: 'moodle.field.student-role', kind: 'text', required: false, example: '5' },
  ],
  secretFields: [{ name: 'token', label: 'moodle.field.token', kind: 'secret', required: true }],
  settings: settingsSchema,
  secret: secretSchema,
  guide,
  capabilities: {
    reads: ['courses'],
    deltas: false,
    scopes: ['lms.courses', 'lms.people', 'lms.roster.write'],
    concurrency: 1,
  },
  foreignScopes: (scopes) => [...new Set(scopes.flatMap((scope) => functionsOfScope[scope] ?? []))],
  origins: (settings) => [originOf(settings.baseUrl)],
  collectionsFor: (scopes) => (serves(scopes) ? ['courses'] : []),
  hint: (secret) => `…${secret.token.slice(-4)}`,
  prove,
  preview,
  fetch: fetchCollection,
  push,
} as const satisfies Connector<Settings, Secret>;

/** Asks the site who the token is and what it may call, then makes a real call for each scope. */
async function prove(session: MoodleSession, scopes: readonly Scope[]): Promise<Proof> {
  const about: Record<string, string> = { product: 'Moodle' };
  const advice: string[] = [];
  let actsAs: Proof['actsAs'] = null;
  let refused: CrosswalkError | null = null;
  let has = new Set<string>();
  let self = 0;
  try {
    const site = await call(session, 'core_webservice_get_site_info', {}, siteInfoSchema, () => null);
    about.version = site.release;
    about.site = site.sitename;
    actsAs = {
      name: site.fullname === '' ? site.username : `${site.fullname} (${site.username})`,
      isServiceAccount: null,
    };
    if (site.userissiteadmin === true) advice.push('token-of-site-administrator');
    if (URL.canParse(site.siteurl) && originOf(site.siteurl) !== originOf(session.settings.baseUrl)) {
      advice.push('site-has-another-address');
    }
    has = new Set(site.functions.map(({ name }) => name));
    self = site.userid;
  } catch (error) {
    refused = toCrosswalkError(error);
    if (!isCrosswalkError(error)) throw refused;
  }
  const results: ProofResult[] = [];
  for (const scope of scopes) {
    const functions = functionsOfScope[scope];
    if (functions === undefined) {
      results.push({ scope, ok: false, errorCode: 'scope-missing', details: { problem: 'not-supported' } });
      continue;
    }
    try {
      if (refused !== null) throw refused;
      const missing = functions.filter((name) => !has.has(name));
      if (missing.length > 0) {
        throw new CrosswalkError('rights-missing', { details: { problem: 'functions-missing', functions: missing } });
      }
      if (scope === 'lms.people') await provePeople(session, self);
      else if (scope === 'lms.roster.write') await proveRosterWrite(session);
      else await proveCourses(session);
      results.push({ scope, ok: true, errorCode: null, details: {} });
    } catch (error) {
      if (!isCrosswalkError(error)) throw toCrosswalkError(error);
      results.push({ scope, ok: false, errorCode: error.code, details: error.details });
    }
  }
  return { ok: results.every((result) => result.ok), results, actsAs, about, advice };
}

const proveCourses = (session: MoodleSession) =>
  call(
    session,
    'core_course_get_courses_by_field',
    { field: 'id', value: siteCourseId },
    coursesSchema,
    ({ courses }) => courses.length,
  );

/** Every course that the token's user can see. Moodle knows no paging here; a user without rights on one course spoils nothing. */
const readAll = (session: MoodleSession) =>
  call(session, 'core_course_get_courses_by_field', {}, coursesSchema, ({ courses }) => courses.length);

const isSiteCourse = (course: unknown) => {
  const mapped = courseOf(course, createDeviations());
  return 'record' in mapped && mapped.record.sourceId === siteCourseId;
};

async function preview(session: MoodleSession, scopes: readonly Scope[]): Promise<readonly PreviewCollection[]> {
  if (!serves(scopes)) return [];
  const { courses } = await readAll(session);
  const own = courses.filter((course) => !isSiteCourse(course));
  const sample = own.slice(0, 5).flatMap((course) => {
    const mapped = courseOf(course, createDeviations());
    if ('setAside' in mapped) return [];
    const { name, code, accountName } = mapped.record;
    return [
      {
        name,
        ...(code === null ? {} : { code }),
        ...(accountName === null ? {} : { category: accountName }),
      },
    ];
  });
  return [{ collection: 'courses', count: own.length, precision: 'exact', sample }];
}

async function* fetchCollection<C extends Collection>(
  session: MoodleSession,
  collection: C,
  _cursor: string | null,
): AsyncGenerator<Page<C>> {
  if (!isCourses(collection)) {
    throw new CrosswalkError('internal', { details: { problem: 'collection-not-read', collection } });
  }
  const { courses } = await readAll(session);
  const deviations = createDeviations();
  const own = courses.filter((course) => !isSiteCourse(course));
  const records: Page<C & 'courses'>['records'][number][] = [];
  const setAside: SetAside[] = [];
  for (const course of own) {
    const mapped = courseOf(course, deviations);
    if ('setAside' in mapped) setAside.push(mapped.setAside);
    else records.push(mapped.record);
  }
  yield {
    collection,
    records,
    setAside,
    cut: 0,
    total: own.length,
    cursor: null,
    // The front page is always among them: a list without it was cut by something.
    end: own.length < courses.length ? 'said' : 'doubtful',
    deviations: deviations.list(),
  };
}

const isCourses = (collection: keyof RecordOf): collection is 'courses' => collection === 'courses';
