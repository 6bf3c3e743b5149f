import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type Prng, prngFor } from '#sandbox/generator/prng.ts';
import type { FaultInput } from '#sandbox/lib/faults.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import type { Context } from '#server/kernel/context.ts';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { systemContext } from '#server/testing/actors.ts';
import { failRun } from './end-run.ts';
import { shrinkSchool } from './testing/small-school.ts';
import {
  makeSyncedSchool,
  type RecordedPorts,
  recordedPorts,
  runSync,
  type SyncedSchool,
} from './testing/sync-harness.ts';

/** `npm run faults -- fetches --rounds 10000 --seed 1` sets both. */
const seed = process.env.FAULT_SEED ?? '1';
const rounds = Number(process.env.FAULT_ROUNDS ?? '90');

/** Rounds are seeded one by one: to look at one again, begin shortly before it. */
const firstRound = Number(process.env.FAULT_FROM ?? '1');

const slug = 'lindenhof';
/** Few scopes each, so that a round is short; together they ask for every list. */
const grants = [
  { version: '1.2', scopes: ['roster.streams'] },
  { version: '1.1', scopes: ['roster.students', 'roster.classes'] },
  { version: '1.1', scopes: ['roster.students', 'roster.demographics'] },
  { version: '1.2', scopes: ['roster.teachers', 'roster.groups'] },
  { version: '1.2', scopes: ['roster.guardians', 'roster.subjects'] },
] as const;

let database: TestDatabase;
let sis: RunningSis;
let web: Context;
let sync: Context;
let now = new Date('2026-11-20T09:00:00Z');
const clock = { now: () => now };
const schools: {
  readonly school: SyncedSchool;
  readonly ports: RecordedPorts;
  /** The lists that it asks for, each with its pages: a fault always meets one of them. */
  readonly lists: readonly { readonly path: string; readonly pages: number }[];
}[] = [];
/** What a call is followed by: the source changes while it is read. */
let afterCall: (path: string) => void = () => undefined;

beforeAll(async () => {
  database = await createTestDatabase();
  web = await systemContext(database, { clock });
  sync = { ...web, database: database.sync };
  sis = await startSis({ schools: [slug], schoolYear: 2026, limitCap: 10 });
  shrinkSchool(sis.data(slug), 12);
  const { baseV1p1, baseV1p2, tokenUrl, client } = sis.school(slug);
  for (const { version, scopes } of grants) {
    const settings = { version, baseUrl: version === '1.1' ? baseV1p1 : baseV1p2, tokenUrl };
    const onCall = ({ path }: { readonly path: string }) => afterCall(path);
    const ports = recordedPorts({ connector: 'oneroster', settings, secret: client, onCall });
    const school = await makeSyncedSchool(database, { connector: 'oneroster', kind: 'sis', scopes, settings });
    // Nothing is held: what is proved here is what would be applied if nobody looked.
    await database.admin`
      insert into sync_settings (system_id, school_id, guard_rules, updated_at)
      values (${school.systemId}, ${school.schoolId}, ${database.admin.json(['gone', 'changed', 'field'].map((kind) => ({ collection: null, site: null, kind, share: 1, atLeast: 1 })))}, ${now})`;
    await runSync({ web, sync }, ports, school);
    const asked = ports.calls.filter(({ purpose }) => purpose === 'sync').map(({ path }) => listOf(path));
    const lists = [...new Set(asked)].map((path) => ({ path, pages: asked.filter((one) => one === path).length }));
    schools.push({ school, ports, lists });
  }
  expect([...new Set(schools.flatMap(({ lists }) => lists.map(({ path }) => path)))].toSorted()).toEqual([
    'academicSessions',
    'classes',
    'courses',
    'demographics',
    'enrollments',
    'orgs',
    'students',
    'teachers',
    'users',
  ]);
}, 120_000);
afterAll(async () => {
  await sis?.close();
  await database?.drop();
});

/** The last word of a call's path. */
const listOf = (path: string) => (path.split('?')[0] ?? '').split('/').at(-1) ?? '';

const pick = <T>(random: Prng, list: readonly T[]): T => {
  const found = list[Math.floor(random.next() * list.length)];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
};

const kinds = [
  'reset',
  'truncated',
  'html',
  'html-lying',
  'server-error',
  'duplicate-page',
  'missing-page',
  'empty-page',
  'empty-and-silent',
  'shuffled-pages',
  'shuffled-rows',
  'expired-token',
  'revoked-token',
  'wrong-scope',
  'silent',
  'missing-link',
  'clamped',
  'foreign-next',
  'unordered',
  'shifting',
  'row-without-id',
] as const;

/** Breaks the next fetch somewhere. @returns what was done, in words that tell how to repeat it, and how to end it */
function breakFetch(
  random: Prng,
  { lists }: (typeof schools)[number],
  broken: (typeof kinds)[number],
): { told: string; end: () => void } {
  const list = pick(random, lists);
  const path = `*/${list.path}`;
  const nth = 1 + Math.floor(random.next() * list.pages);
  const faults: FaultInput[] = [];
  let end: () => void = () => undefined;
  const data = sis.data(slug);
  switch (broken) {
    case 'truncated':
      faults.push({ kind: 'truncated', keep: random.next(), path, nth });
      break;
    case 'html-lying':
      faults.push({ kind: 'html', lying: true, path, nth });
      break;
    case 'empty-and-silent':
      faults.push({ kind: 'missing-total', path }, { kind: 'missing-link', path }, { kind: 'empty-page', path, nth });
      break;
    case 'silent':
      faults.push(
        { kind: 'missing-total' },
        { kind: 'missing-link' },
        { kind: pick(random, ['duplicate-page', 'missing-page', 'truncated'] as const), path, nth },
      );
      break;
    case 'clamped':
      faults.push({ kind: 'clamped-limit', max: 1 + Math.floor(random.next() * 12), path, times: 3 });
      break;
    case 'shuffled-rows':
      faults.push({ kind: 'shuffled-rows', seed: String(random.next()), path, nth });
      break;
    case 'expired-token':
    case 'revoked-token':
    case 'wrong-scope':
      faults.push({
        kind: broken,
        nth: 1 + Math.floor(random.next() * lists.reduce((sum, { pages }) => sum + pages, 0)),
      });
      break;
    case 'unordered':
      sis.set(slug, { sort: pick(random, ['ignored', 'refused'] as const), order: 'shuffled' });
      end = () => void sis.set(slug, { sort: 'obeyed', order: 'stable' });
      break;
    case 'shifting': {
      // Records of a page that was read go, so that the next page begins further on.
      const ghosts = addGhosts(path.slice(2), random);
      let calls = 0;
      afterCall = (called) => {
        if (!called.includes(path.slice(2))) return;
        calls += 1;
        if (calls === nth) ghosts.remove();
      };
      end = ghosts.remove;
      break;
    }
    case 'row-without-id': {
      const group = pick(random, [...data.classes.values()]);
      data.classes.set(group.id, { ...group, title: '', code: '' });
      data.changed();
      end = () => {
        data.classes.set(group.id, group);
        data.changed();
      };
      break;
    }
    default:
      faults.push({ kind: broken, path, nth });
  }
  for (const fault of faults) sis.faults.add(fault);
  return {
    told: `${broken} ${path} ${nth}`,
    end: () => {
      sis.faults.clear();
      afterCall = () => undefined;
      end();
    },
  };
}

/** Records that stand before all others in their list, and vanish. */
function addGhosts(collection: string, random: Prng): { remove: () => void } {
  const { orgs, academicSessions, courses, classes, users, enrollments, demographics } = sis.data(slug);
  const count = 1 + Math.floor(random.next() * 3);
  const role = { teachers: 'teacher', students: 'student' }[collection];
  const add = <T extends { readonly id: string }>(map: Map<string, T>, like: T | undefined): (() => void) => {
    if (like === undefined) throw new Error('nothing to be like');
    const ids = Array.from({ length: count }, (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`);
    for (const id of ids) map.set(id, { ...like, id });
    return () => {
      for (const id of ids) map.delete(id);
    };
  };
  const remove =
    collection === 'orgs'
      ? add(orgs, pick(random, [...orgs.values()]))
      : collection === 'academicSessions'
        ? add(academicSessions, pick(random, [...academicSessions.values()]))
        : collection === 'courses'
          ? add(courses, pick(random, [...courses.values()]))
          : collection === 'classes'
            ? add(classes, pick(random, [...classes.values()]))
            : collection === 'enrollments'
              ? add(enrollments, pick(random, [...enrollments.values()]))
              : collection === 'demographics'
                ? add(demographics, pick(random, [...demographics.values()]))
                : add(
                    users,
                    pick(
                      random,
                      [...users.values()].filter(({ kind }) => role === undefined || kind === role),
                    ),
                  );
  sis.data(slug).changed();
  return {
    remove: () => {
      remove();
      sis.data(slug).changed();
    },
  };
}

const tables: Readonly<Record<string, () => Iterable<string>>> = {
  roster_site: () => active(sis.data(slug).orgs),
  roster_term: () => active(sis.data(slug).academicSessions),
  roster_subject: () => active(sis.data(slug).courses),
  roster_group: () => active(sis.data(slug).classes),
  roster_person: () => active(sis.data(slug).users),
  roster_enrolment: () => active(sis.data(slug).enrollments),
  roster_demographics: () => active(sis.data(slug).demographics),
};
function* active(map: ReadonlyMap<string, { readonly id: string; readonly status: string }>): Generator<string> {
  for (const { id, status } of map.values()) if (status === 'active') yield id;
}

/** Records that the source has, and that are gone or missed here. */
async function wronged({ schoolId }: SyncedSchool): Promise<{ gone: string[]; missing: string[] }> {
  const rows = await database.admin.unsafe<{ what: string; source_id: string; gone: boolean }[]>(
    Object.keys(tables)
      .map(
        (table) =>
          `select '${table}' as what, source_id, gone_at is not null as gone from ${table} where school_id = $1 and (gone_at is not null or missed_fetches > 0)`,
      )
      .join(' union all '),
    [schoolId],
  );
  const there = new Map(Object.entries(tables).map(([table, ids]) => [table, new Set(ids())]));
  const wrong = rows.filter(({ what, source_id }) => there.get(what)?.has(source_id) === true);
  const told = (list: typeof wrong) => list.map(({ what, source_id }) => `${what} ${source_id}`);
  return { gone: told(wrong.filter(({ gone }) => gone)), missing: told(wrong.filter(({ gone }) => !gone)) };
}

/** One run as the job does it; what it cannot read ends it. */
async function run(
  { school, ports }: (typeof schools)[number],
  options: Parameters<typeof runSync>[4],
): Promise<string> {
  const before =
    await database.admin`select id from sync_run where system_id = ${school.systemId} and state in ('queued', 'running')`;
  try {
    const { applied, begun } = await runSync({ web, sync }, ports, school, before[0]?.id, options);
    return applied?.outcome ?? begun.kind;
  } catch (error) {
    if (!isCrosswalkError(error)) throw error;
    const [at] =
      await database.admin`select id from sync_run where system_id = ${school.systemId} and state in ('queued', 'running')`;
    if (at !== undefined) await failRun(sync, ports, { ...school, syncRunId: at.id, fence: null }, error.code);
    return error.code;
  }
}

it(
  `after ${rounds} broken fetches nothing is gone that the source has (FAULT_SEED=${seed})`,
  async () => {
    const outcomes = new Map<string, number>();
    let [gone, missedInSilence] = [0, 0];
    let last: (typeof kinds)[number] | undefined;
    for (let round = firstRound; round < firstRound + rounds; round++) {
      const random = prngFor(`fetch/${seed}/${round}`);
      const at = pick(random, schools);
      now = new Date(now.getTime() + 10 * 60_000);
      // Once in a while the same happens again: what was absent once must not be absent twice.
      const kind: (typeof kinds)[number] = last !== undefined && random.next() < 0.3 ? last : pick(random, kinds);
      last = kind;
      const { told, end } = breakFetch(random, at, kind);
      const trigger = random.next() < 0.2 ? 'schedule' : 'hand';
      const outcome = await run(at, { attempts: random.next() < 0.5 ? 2 : 1, trigger });
      end();
      outcomes.set(`${kind} ${outcome}`, (outcomes.get(`${kind} ${outcome}`) ?? 0) + 1);
      const wrong = await wronged(at.school);
      gone += wrong.gone.length;
      const repeat = `FAULT_SEED=${seed}, round ${round}: ${told} (${trigger}), run ${outcome}`;
      expect(wrong.gone, repeat).toEqual([]);
      if (kind === 'silent' || kind === 'empty-and-silent') {
        // A server that tells neither total nor link can lose a page unnoticed: that is why absence once is nothing.
        missedInSilence += wrong.missing.length;
        if (wrong.missing.length > 0) expect(await run(at, {}), repeat).toBe('applied');
      } else expect(wrong.missing, repeat).toEqual([]);
      expect(await wronged(at.school), repeat).toEqual({ gone: [], missing: [] });
    }
    process.stdout.write(
      `${JSON.stringify({ fetches: rounds, seed, gone, missedInSilence, outcomes: Object.fromEntries([...outcomes].sort()) })}\n`,
    );
    expect([...outcomes.keys()].some((outcome) => outcome.endsWith(' applied'))).toBe(true);
  },
  60_000 + rounds * 3_000,
);
