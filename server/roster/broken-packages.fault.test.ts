import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type Prng, prngFor } from '#sandbox/generator/prng.ts';
import type { Context } from '#server/kernel/context.ts';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { systemContext } from '#server/testing/actors.ts';
import { failRun } from './end-run.ts';
import { receivePackage } from './receive-package.ts';
import { differenceOf, rosterContent } from './testing/roster-content.ts';
import { manifestOf, smallPackage, zipOf } from './testing/small-package.ts';
import { makeSyncedSchool, recordedPorts, runSync, type SyncedSchool } from './testing/sync-harness.ts';

/** `npm run faults -- fetches --rounds 10000 --seed 1` sets both. */
const seed = process.env.FAULT_SEED ?? '1';
const rounds = Number(process.env.FAULT_PACKAGES ?? '40');
const everything = [
  'roster.subjects',
  'roster.streams',
  'roster.groups',
  'roster.classes',
  'roster.teachers',
  'roster.students',
  'roster.guardians',
  'roster.demographics',
];

let database: TestDatabase;
let web: Context;
let sync: Context;
let now = new Date('2026-11-20T09:00:00Z');
const clock = { now: () => now };

beforeAll(async () => {
  database = await createTestDatabase();
  web = await systemContext(database, { clock });
  sync = { ...web, database: database.sync };
}, 120_000);
afterAll(() => database?.drop());

const ports = recordedPorts({ connector: 'oneroster', settings: {}, secret: {} });

/** Hands a package in and reads it, as the job does. @returns what came of it */
async function read(school: SyncedSchool, bytes: Uint8Array): Promise<string> {
  const { schoolId, systemId } = school;
  async function* whole() {
    yield bytes;
  }
  const { syncRunId } = await receivePackage(web, {
    schoolId,
    systemId,
    via: 'command',
    fileName: 'package.zip',
    uploadedBy: null,
    bytes: whole(),
  });
  try {
    const { applied, begun } = await runSync({ web, sync }, ports, school, syncRunId);
    return applied?.outcome ?? begun.kind;
  } catch (error) {
    if (!isCrosswalkError(error)) throw error;
    await failRun(sync, ports, { schoolId, systemId, syncRunId, fence: null }, error.code);
    return error.code;
  }
}

const pick = <T>(random: Prng, list: readonly T[]): T => {
  const found = list[Math.floor(random.next() * list.length)];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
};

const kinds = [
  'cut-zip',
  'flipped-byte',
  'cut-row',
  'headers-only',
  'member-missing',
  'manifest-silent',
  'no-manifest',
  'row-short',
  'open-quote',
  'wrong-header',
  'utf-16',
  'id-twice',
  'id-of-two',
  'delimiter',
  'not-a-zip',
] as const;

/** One package, broken somewhere; in words what was done. */
function breakPackage(
  random: Prng,
  version: '1.1' | '1.2',
  whole: Readonly<Record<string, readonly string[]>>,
  kind: (typeof kinds)[number],
) {
  const names = Object.keys(whole);
  const name = pick(random, names);
  const lines = [...(whole[name] ?? [])];
  const texts: Record<string, string | Uint8Array> = Object.fromEntries(
    names.map((member) => [member, (whole[member] ?? []).join('')]),
  );
  let manifest: string | null = manifestOf(version, names);
  const at = 1 + Math.floor(random.next() * (lines.length - 1));
  const line = lines[at] ?? '';
  const replaced = (text: string) => lines.with(at, text).join('');
  switch (kind) {
    case 'cut-row': {
      // Inside a row: a file that ends with a whole row is as whole as any.
      const inside = Math.floor(random.next() * Math.max(1, line.lastIndexOf(',')));
      texts[name] = `${lines.slice(0, at).join('')}${line.slice(0, Math.max(1, inside))}`;
      break;
    }
    case 'headers-only':
      texts[name] = lines[0] ?? '';
      break;
    case 'member-missing':
      delete texts[name];
      break;
    case 'manifest-silent':
      manifest = manifestOf(
        version,
        names.filter((member) => member !== name),
      );
      delete texts[name];
      break;
    case 'no-manifest':
      manifest = null;
      delete texts[name];
      break;
    case 'row-short':
      texts[name] = replaced(`${line.slice(0, line.lastIndexOf(','))}\r\n`);
      break;
    case 'open-quote':
      texts[name] = replaced(line.replace(',', ',"'));
      break;
    case 'wrong-header':
      texts[name] = [(lines[0] ?? '').replace('sourcedId', 'SourceKey'), ...lines.slice(1)].join('');
      break;
    case 'delimiter':
      texts[name] = lines.map((row) => row.replaceAll(',', ';')).join('');
      break;
    case 'utf-16':
      texts[name] = Buffer.from(`\ufeff${lines.join('')}`, 'utf16le');
      break;
    case 'id-twice':
      texts[name] = [...lines, line].join('');
      break;
    case 'id-of-two':
      texts[name] = [
        ...lines,
        line.slice(0, line.indexOf(',')) +
          (lines[(at % (lines.length - 1)) + 1] ?? '').slice((lines[(at % (lines.length - 1)) + 1] ?? '').indexOf(',')),
      ].join('');
      break;
    default:
  }
  const zip = zipOf({ ...(manifest === null ? {} : { 'manifest.csv': manifest }), ...texts });
  const place = Math.floor(random.next() * zip.length);
  const bytes =
    kind === 'cut-zip'
      ? zip.slice(0, place)
      : kind === 'flipped-byte'
        ? zip.with(place, (zip[place] ?? 0) ^ (1 << Math.floor(random.next() * 8)))
        : kind === 'not-a-zip'
          ? Buffer.from('<html><body>503 Service Unavailable</body></html>')
          : zip;
  return { bytes, told: `${kind} ${name} line ${at} byte ${place}` };
}

it(
  `after ${rounds} broken packages nothing is gone and nothing is missed (FAULT_SEED=${seed})`,
  async () => {
    const outcomes = new Map<string, number>();
    const schools = await Promise.all(
      (['1.1', '1.2'] as const).map(async (version) => {
        const settings = { version: '1.2', baseUrl: 'https://sis.example', tokenUrl: 'https://sis.example' };
        const school = await makeSyncedSchool(database, {
          connector: 'oneroster',
          kind: 'sis',
          scopes: everything,
          settings,
        });
        // Nothing is held: what is proved here is what would be applied if nobody looked.
        await database.admin`
        insert into sync_settings (system_id, school_id, guard_rules, updated_at)
        values (${school.systemId}, ${school.schoolId}, ${database.admin.json(['gone', 'changed', 'field'].map((kind) => ({ collection: null, site: null, kind, share: 1, atLeast: 1 })))}, ${now})`;
        const whole = smallPackage(version, 10);
        const bytes = zipOf({
          'manifest.csv': manifestOf(version, Object.keys(whole)),
          ...Object.fromEntries(Object.entries(whole).map(([name, lines]) => [name, lines.join('')])),
        });
        expect(await read(school, bytes)).toBe('applied');
        return { version, school, whole, first: await rosterContent(database, school.systemId) };
      }),
    );
    expect(
      Object.values(schools[0]?.first ?? {}).every((rows, index) => index > 6 || Object.keys(rows).length > 0),
    ).toBe(true);
    let last: (typeof kinds)[number] | undefined;
    for (let round = 1; round <= rounds; round++) {
      const random = prngFor(`package/${seed}/${round}`);
      const { version, school, whole, first } = pick(random, schools);
      now = new Date(now.getTime() + 10 * 60_000);
      const kind: (typeof kinds)[number] = last !== undefined && random.next() < 0.3 ? last : pick(random, kinds);
      last = kind;
      const { bytes, told } = breakPackage(random, version, whole, kind);
      const outcome = await read(school, bytes);
      outcomes.set(`${kind} ${outcome}`, (outcomes.get(`${kind} ${outcome}`) ?? 0) + 1);
      const lost = differenceOf(first, await rosterContent(database, school.systemId)).filter((change) =>
        change.includes(' deleted '),
      );
      const missed = await database.admin.unsafe(
        Object.keys(first)
          .map(
            (table) => `select '${table}' as what, source_id from ${table} where system_id = $1 and missed_fetches > 0`,
          )
          .join(' union all '),
        [school.systemId],
      );
      expect(
        { lost, missed: [...missed] },
        `FAULT_SEED=${seed}, round ${round}: ${told} of ${version}, run ${outcome}`,
      ).toEqual({ lost: [], missed: [] });
    }
    process.stdout.write(
      `${JSON.stringify({ packages: rounds, seed, gone: 0, missing: 0, outcomes: Object.fromEntries([...outcomes].sort()) })}\n`,
    );
  },
  60_000 + rounds * 3_000,
);
