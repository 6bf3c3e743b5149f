import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type Prng, prngFor } from '#sandbox/generator/prng.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import { systemClock } from '#server/kernel/clock.ts';
import type { Context } from '#server/kernel/context.ts';
import { runWork } from '#server/kernel/verb.ts';
import { systemContext } from '#server/testing/actors.ts';
import { receivePackage } from './receive-package.ts';
import { requestRun } from './request-run.ts';
import { differenceOf, loggedBy, rosterContent } from './testing/roster-content.ts';
import { manifestOf, smallPackage, zipOf } from './testing/small-package.ts';
import { shrinkSchool } from './testing/small-school.ts';
import { makeSyncedSchool, recordedPorts, runSync, type SyncedSchool } from './testing/sync-harness.ts';

const slug = 'lindenhof';
/** `npm run faults -- kills --rounds 500 --seed 1` sets both. */
const seed = process.env.FAULT_SEED ?? '1';
const rounds = Number(process.env.FAULT_ROUNDS ?? '12');
/** Rounds are drawn one by one: `npm run faults` shares them out. */
const firstRound = Number(process.env.FAULT_FROM ?? '1');
/** A run of this school passes more boundaries than these; a kill beyond the last one meets a run that is over. */
const mostBoundaries = 150;
const longestMs = 900;
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
let sis: RunningSis;
let web: Context;
let sync: Context;
let settings: { version: string; baseUrl: string; tokenUrl: string };
const whole = smallPackage('1.2', 10);

beforeAll(async () => {
  database = await createTestDatabase();
  web = await systemContext(database, { clock: systemClock });
  sync = { ...web, database: database.sync };
  sis = await startSis({ schools: [slug], schoolYear: 2026, limitCap: 30 });
  shrinkSchool(sis.data(slug), 12);
  const { baseV1p2, tokenUrl } = sis.school(slug);
  settings = { version: '1.2', baseUrl: baseV1p2, tokenUrl };
}, 120_000);
afterAll(async () => {
  await sis?.close();
  await database?.drop();
});

/** A school that takes whatever comes, so that every run applies. */
async function newSchool(): Promise<SyncedSchool> {
  const school = await makeSyncedSchool(database, {
    connector: 'oneroster',
    kind: 'sis',
    scopes: everything,
    settings,
  });
  const rules = ['gone', 'changed', 'field'].map((kind) => ({
    collection: null,
    site: null,
    kind,
    share: 1,
    atLeast: 1,
  }));
  await database.admin`
    insert into sync_settings (system_id, school_id, guard_rules, updated_at)
    values (${school.systemId}, ${school.schoolId}, ${database.admin.json(rules)}, now())`;
  return school;
}

/** Renames classes, people and sites, and takes enrolments and a few people away that the round before had. */
function changeSource(random: Prng, round: number): void {
  const data = sis.data(slug);
  for (const [id, entry] of data.classes)
    if (random.next() < 0.3) data.classes.set(id, { ...entry, title: `class ${round}` });
  for (const [id, user] of data.users) {
    const status = random.next() < 0.1 ? ('tobedeleted' as const) : ('active' as const);
    if (random.next() < 0.3) data.users.set(id, { ...user, given: `name ${round}`, status });
  }
  for (const [id, enrolment] of data.enrollments) {
    data.enrollments.set(id, { ...enrolment, status: random.next() < 0.1 ? 'tobedeleted' : 'active' });
  }
  data.changed();
}

function changedPackage(random: Prng, round: number): Uint8Array {
  const members = Object.entries(whole).map(([name, [header = '', ...rows]]) => {
    const title = header.trimEnd().split(',').indexOf('title');
    const kept =
      name === 'enrollments.csv' || name === 'demographics.csv' ? rows.filter(() => random.next() > 0.1) : rows;
    const renamed = kept.map((row) =>
      title === -1 || row.includes('"') || random.next() > 0.3
        ? row
        : row.split(',').with(title, `title ${round}`).join(','),
    );
    return [name, [header, ...renamed].join('')] as const;
  });
  return zipOf({ 'manifest.csv': manifestOf('1.2', Object.keys(whole)), ...Object.fromEntries(members) });
}

async function leftInStaging(): Promise<number | undefined> {
  const [row] = await database.admin<{ n: number }[]>`
    select (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'staging' and c.relkind = 'r' and c.relname <> 'page')::int
         + (select count(*) from staging.page)::int as n`;
  return row?.n;
}

it(
  `${rounds} syncs killed at any moment leave the old roster or the new one, and each run ends after it (FAULT_SEED=${seed})`,
  async () => {
    const [overRest, byPackage] = [await newSchool(), await newSchool()];
    const ports = recordedPorts({ connector: 'oneroster', settings, secret: sis.school(slug).client });
    const request = async (school: SyncedSchool, random: Prng, round: number): Promise<string> => {
      const { schoolId, systemId } = school;
      if (school === overRest) {
        changeSource(random, round);
        return (await runWork(web, { schoolId }, (work) => requestRun(work, { schoolId, systemId, trigger: 'hand' })))
          .syncRunId;
      }
      const bytes = changedPackage(random, round);
      async function* once1() {
        yield bytes;
      }
      return (
        await receivePackage(web, {
          schoolId,
          systemId,
          via: 'command',
          fileName: 'package.zip',
          uploadedBy: null,
          bytes: once1(),
        })
      ).syncRunId;
    };
    for (const school of [overRest, byPackage]) {
      const syncRunId = await request(school, prngFor('first'), 0);
      expect((await runSync({ web, sync }, ports, school, syncRunId)).applied).toMatchObject({ outcome: 'applied' });
    }
    const found = { old: 0, new: 0, changes: 0 };
    for (let round = firstRound; round < firstRound + rounds; round++) {
      const random = prngFor(`kill/${seed}/${round}`);
      const school = random.next() < 0.5 ? overRest : byPackage;
      const { schoolId, systemId } = school;
      const syncRunId = await request(school, random, round);
      const before = await rosterContent(database, systemId);
      const killAt = random.next() < 0.5 ? 1 + Math.floor(random.next() * mostBoundaries) : null;
      const milliseconds = Math.floor(random.next() * longestMs);
      const name = `to be killed ${round}`;
      const child = spawn(process.execPath, [fileURLToPath(new URL('./testing/sync-process.ts', import.meta.url))], {
        env: {
          ...process.env,
          SYNC_PROCESS: JSON.stringify({
            syncUrl: database.syncUrl,
            masterKey: database.masterKey,
            school: { schoolId, systemId },
            syncRunId,
            settings,
            secret: sis.school(slug).client,
            name,
            killAt,
          }),
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      if (killAt === null) {
        await once(child.stdout, 'data');
        await after(milliseconds);
        child.kill('SIGKILL');
      }
      await exited;
      const told = `FAULT_SEED=${seed}, round ${round}, ${school === overRest ? 'REST' : 'package'}, killed ${killAt === null ? `after ${milliseconds} ms` : `at boundary ${killAt}`}`;
      // What the database was told before the kill it may finish; then it hears that nobody is there.
      await vi.waitFor(
        async () =>
          expect(
            await database.admin`select 1 from pg_stat_activity where application_name = ${name} and datname = current_database()`,
          ).toHaveLength(0),
        { timeout: 30_000, interval: 20 },
      );
      const afterKill = await rosterContent(database, systemId);
      const [row] = await database.admin`select state from sync_run where id = ${syncRunId}`;
      const change = differenceOf(before, afterKill);
      expect(await loggedBy(database, syncRunId), told).toEqual(change);
      if (row?.state !== 'succeeded') expect(change, told).toEqual([]);
      found[row?.state === 'succeeded' ? 'new' : 'old'] += 1;

      const { applied, begun } = await runSync({ web, sync }, ports, school, syncRunId);
      expect(applied?.outcome ?? begun.kind, told).toBe(row?.state === 'succeeded' ? 'over' : 'applied');
      const whole1 = differenceOf(before, await rosterContent(database, systemId));
      const log =
        await database.admin`select collection, kind, record_id, fields from roster_change where sync_run_id = ${syncRunId}`;
      expect(await loggedBy(database, syncRunId), told).toEqual(whole1);
      expect(new Set(log.map((entry) => JSON.stringify(entry))).size, told).toBe(log.length);
      expect(await leftInStaging(), told).toBe(0);
      found.changes += whole1.length;
    }
    process.stdout.write(`${JSON.stringify({ kills: rounds, seed, ...found })}\n`);
    expect(found.changes).toBeGreaterThan(rounds);
  },
  60_000 + rounds * 10_000,
);
