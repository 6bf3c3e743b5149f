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
import { courseFunctions, type Secret, type Settings, secretSchema, settingsSchema } from './settings.ts';
import { coursesSchema, siteInfoSchema } from './wire.ts';

const serves = (scopes: readonly Scope[]) => scopes.includes('lms.courses');

/** Moodle: a token of a web service, courses and their ids. */
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
  ],
  secretFields: [{ name: 'token', label: 'moodle.field.token', kind: 'secret', required: true }],
  settings: settingsSchema,
  secret: secretSchema,
  guide,
  capabilities: { reads: ['courses'], deltas: false, scopes: ['lms.courses'], concurrency: 1 },
  foreignScopes: (scopes) => (serves(scopes) ? courseFunctions : []),
  origins: (settings) => [originOf(settings.baseUrl)],
  collectionsFor: (scopes) => (serves(scopes) ? ['courses'] : []),
  hint: (secret) => `…${secret.token.slice(-4)}`,
  prove,
  preview,
  fetch: fetchCollection,
} as const satisfies Connector<Settings, Secret>;

/** Asks the site who the token is and what it may call, then makes a real call for a course. */
async function prove(session: MoodleSession, scopes: readonly Scope[]): Promise<Proof> {
  const about: Record<string, string> = { product: 'Moodle' };
  const advice: string[] = [];
  let actsAs: Proof['actsAs'] = null;
  let refused: CrosswalkError | null = null;
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
    const has = new Set(site.functions.map(({ name }) => name));
    const missing = courseFunctions.filter((name) => !has.has(name));
    if (missing.length > 0) {
      throw new CrosswalkError('rights-missing', { details: { problem: 'functions-missing', functions: missing } });
    }
    await call(
      session,
      'core_course_get_courses_by_field',
      { field: 'id', value: siteCourseId },
      coursesSchema,
      ({ courses }) => courses.length,
    );
  } catch (error) {
    if (!isCrosswalkError(error)) throw toCrosswalkError(error);
    refused = error;
  }
  const results = scopes.map((scope): ProofResult => {
    if (scope !== 'lms.courses') {
      return { scope, ok: false, errorCode: 'scope-missing', details: { problem: 'not-supported' } };
    }
    return refused === null
      ? { scope, ok: true, errorCode: null, details: {} }
      : { scope, ok: false, errorCode: refused.code, details: refused.details };
  });
  return { ok: results.every((result) => result.ok), results, actsAs, about, advice };
}

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
