import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { replacementPage } from '#server/features/replace-system/replacement-page.ts';
import { createReplacementWork, type ReplacementWork } from '#server/features/replace-system/replacement-work.ts';
import { startReplacement } from '#server/features/replace-system/start-replacement.ts';
import { switchSystem, undoSwitch } from '#server/features/replace-system/switch-system.ts';
import { systemClock } from '#server/kernel/clock.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { silentLogger } from '#server/kernel/log.ts';
import { contextFor, makeSchool, systemContext } from '#server/testing/actors.ts';
import { makeSystem } from '#server/testing/roster-rows.ts';
import { embeddedTarget } from '../fixtures/worker-process.ts';
import { startWorker, type Worker } from '../start-worker.ts';
import { replaceSystem } from './replace-system.ts';

const { keys } = embeddedTarget();
const clock = systemClock;
let database: TestDatabase;
let worker: Worker;
/** What the next attempts end with, instead of what they would do. */
const refusals: CrosswalkError[] = [];
const refusing = (work: ReplacementWork): ReplacementWork => ({
  ...work,
  carryOut: async (of) => {
    const refused = refusals.shift();
    if (refused !== undefined) throw refused;
    return work.carryOut(of);
  },
});

beforeAll(async () => {
  database = await createTestDatabase();
  const context = await systemContext(database, { clock });
  worker = await startWorker({
    databaseUrl: database.syncUrl,
    keys,
    logger: silentLogger,
    port: 0,
    functions: (client) => [replaceSystem(client, { replacements: refusing(createReplacementWork(() => context)) })],
    executor: { retryBackOff: { baseMs: 20, maxMs: 100 } },
  });
});
afterAll(async () => {
  await worker?.stop(1_000);
  await database?.drop();
});

it('an approver’s yes becomes a switch, his second one the way back; what cannot be done is given back with its cause', async () => {
  const school = await makeSchool(database);
  const { schoolId } = school;
  const [oldSystemId, newSystemId] = [await makeSystem(database, school), await makeSystem(database, school)];
  await database.admin`
    insert into sync_run (id, school_id, system_id, trigger, state, created_at) values (${newId()}, ${schoolId}, ${newSystemId}, 'hand', 'succeeded', now())`;
  const approver = await contextFor(database, school.people.approver, { clock });
  const admin = await contextFor(database, school.people['school-administrator'], { clock });
  const { replacementId } = await startReplacement({ ctx: admin, input: { schoolId, oldSystemId, newSystemId } });
  const page = async () =>
    (await replacementPage({ ctx: approver, input: { schoolId, systemId: oldSystemId } })).replacement;
  const becomes = (expected: object) =>
    vi.waitFor(async () => expect(await page()).toMatchObject(expected), { timeout: 20_000, interval: 30 });
  const { fingerprint = '' } = (await page()) ?? {};
  const input = { schoolId, replacementId, fingerprint };

  refusals.push(new CrosswalkError('connection-failed'), new CrosswalkError('not-found'));
  await switchSystem({ ctx: approver, input });
  await becomes({ state: 'reviewing', approvedBy: null, failure: { code: 'not-found' } });
  refusals.push(new CrosswalkError('connection-failed'));
  await switchSystem({ ctx: approver, input });
  await becomes({ state: 'switched', failure: null });
  await undoSwitch({ ctx: approver, input: { schoolId, replacementId } });
  await becomes({ state: 'undone' });
});
