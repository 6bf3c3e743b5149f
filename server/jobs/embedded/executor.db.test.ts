import { type InngestFunction, NonRetriableError } from 'inngest';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { newId } from '#server/kernel/ids.ts';
import { silentLogger } from '#server/kernel/log.ts';
import { emit } from '#server/kernel/outbox.ts';
import type { JobClient } from '../client.ts';
import { embeddedTarget } from '../fixtures/worker-process.ts';
import { deliverMail } from '../functions/deliver-mail.ts';
import { heartbeat } from '../functions/heartbeat.ts';
import { jobsHealth, listRuns } from '../health.ts';
import { openJobsSql } from '../sql.ts';
import { startWorker, type Worker } from '../start-worker.ts';
import { endDeadWorkers, takeWorkerLease } from '../worker-lease.ts';
import { registerCrons, runDueCrons } from './crons.ts';
import { readFunctionConfig } from './function-config.ts';
import { pruneRuns } from './prune.ts';
import { recoverDeadWorkers, requeueForgottenCalls } from './recover.ts';
import { makeRegistry } from './registry.ts';

const { keys } = embeddedTarget();
let database: TestDatabase;
let sql: ReturnType<typeof openJobsSql>;
let worker: Worker;
const seen: string[] = [];
/** Opened by a test to let a held step go on. */
const gates = new Map<string, () => void>();

const keyOf = (data: unknown) => z.object({ key: z.string() }).parse(data).key;

function functions(client: JobClient): InngestFunction.Any[] {
  const held = (id: string, options: Partial<InngestFunction.Options>) =>
    client.createFunction(
      { id, triggers: [{ event: `test/${id}` }], retries: 0, ...options },
      async ({ event, step }) => {
        const key = keyOf(event.data);
        await step.run('held', async () => {
          seen.push(`${id}:${key}`);
          await new Promise<void>((resolve) => gates.set(`${id}:${key}`, resolve));
        });
        await step.run('after', async () => {
          seen.push(`${id}:after:${key}`);
        });
      },
    );
  return [
    held('single', { singleton: { key: 'event.data.room', mode: 'skip' } }),
    held('latest', { singleton: { key: 'event.data.room', mode: 'cancel' } }),
    held('bounded', { timeouts: { finish: '1s' } }),
    held('late', { concurrency: { limit: 1 }, timeouts: { start: '1s' } }),
    client.createFunction(
      { id: 'unsupported', triggers: [{ event: 'test/unsupported' }], retries: 3 },
      async ({ step }) => {
        await step.waitForSignal('wait', { signal: 'none', timeout: '1h' });
      },
    ),
    client.createFunction({ id: 'bad-wait', triggers: [{ event: 'test/bad-wait' }], retries: 3 }, async ({ step }) => {
      await step.waitForEvent('wait', { event: 'x', if: 'async.data.n > 3', timeout: '1h' });
    }),
    client.createFunction({ id: 'leaky', triggers: [{ event: 'test/leaky' }], retries: 0 }, async ({ step }) => {
      await step.run('leak', () => {
        throw new NonRetriableError('mia@school.example');
      });
    }),
    deliverMail(client, ports),
    heartbeat(client, ports),
  ];
}

const delivered: string[] = [];
const ports = {
  deliverMail: async ({ mailId }: { mailId: string }) => {
    delivered.push(mailId);
  },
  recordPulse: async () => undefined,
};

beforeAll(async () => {
  database = await createTestDatabase();
  sql = openJobsSql(database.syncUrl, { max: 6 });
  worker = await startWorker({ databaseUrl: database.syncUrl, keys, logger: silentLogger, port: 0, functions });
});
afterAll(async () => {
  for (const open of gates.values()) open();
  await worker?.stop(1_000);
  await sql?.end();
  await database?.drop();
});

const until = (check: () => unknown) => vi.waitFor(check, { timeout: 10_000, interval: 20 });
async function send(name: string, data: Record<string, unknown>): Promise<void> {
  const response = await fetch(`${worker.origin}/e/${keys.eventKey}`, {
    method: 'POST',
    body: JSON.stringify({ name: `test/${name}`, data }),
  });
  expect(response.status).toBe(200);
}
const runsOf = (id: string) => listRuns(database.web, { functionId: `crosswalk-${id}` });
const open = (gate: string) => until(() => (gates.get(gate) ?? expect.fail(`${gate} has not begun`))());

test('a mail that a verb asked for is delivered once, by the relay and the executor', async () => {
  const mailId = newId();
  await database.web.withoutSchool((tx) => emit(tx, 'mail/requested', { mailId, schoolId: null }, { schoolId: null }));
  await until(() => expect(delivered).toEqual([mailId]));
  await until(async () => expect((await runsOf('deliver-mail'))[0]?.state).toBe('completed'));
});

test('health shows a living worker, and its absence', async () => {
  expect(await jobsHealth(database.web)).toMatchObject({ status: 'ok', unsentEvents: 0, oldestUnsentMs: null });
  expect((await fetch(`${worker.origin}/health`)).status).toBe(200);
  await database.admin`update jobs.worker set heartbeat_at = now() - interval '1 minute', ended_at = now()`;
  expect((await jobsHealth(database.web)).status).toBe('down');
  await until(async () => expect((await jobsHealth(database.web)).status).toBe('ok'));
});

test('the operator sees runs with states, counts and codes, and no payload', async () => {
  await send('leaky', { key: newId() });
  await until(async () => expect((await runsOf('leaky'))[0]?.state).toBe('failed'));
  const [run] = await runsOf('leaky');
  expect(run).toMatchObject({
    functionId: 'crosswalk-leaky',
    eventName: 'test/leaky',
    errorCode: 'internal',
    stepsDone: 1,
  });
  const rows = await database.admin`
    select (select json_agg(s) from jobs.step s)::text || (select json_agg(r) from jobs.run r)::text as everything`;
  expect(JSON.stringify(rows)).not.toContain('mia@');
});

test('a singleton lets a second run of its key go by, and another key in', async () => {
  const [a, b, c] = [newId(), newId(), newId()];
  await send('single', { key: a, room: '1' });
  await until(() => expect(seen).toContain(`single:${a}`));
  await send('single', { key: b, room: '1' });
  await send('single', { key: c, room: '2' });
  await until(() => expect(seen).toContain(`single:${c}`));
  expect(seen).not.toContain(`single:${b}`);
  await open(`single:${a}`);
  await open(`single:${c}`);
  await until(async () => expect((await runsOf('single')).map((run) => run.state)).toEqual(['completed', 'completed']));
});

test('a singleton that replaces cancels the run before, whose answer then counts for nothing', async () => {
  const [a, b] = [newId(), newId()];
  await send('latest', { key: a, room: '1' });
  await until(() => expect(seen).toContain(`latest:${a}`));
  await send('latest', { key: b, room: '1' });
  await until(() => expect(seen).toContain(`latest:${b}`));
  await until(async () =>
    expect((await runsOf('latest')).map((run) => [run.state, run.errorCode])).toEqual([
      ['running', null],
      ['cancelled', 'replaced'],
    ]),
  );
  await open(`latest:${a}`);
  await open(`latest:${b}`);
  await until(() => expect(seen).toContain(`latest:after:${b}`));
  expect(seen).not.toContain(`latest:after:${a}`);
});

test('a run that takes longer than it may is cancelled', async () => {
  const key = newId();
  await send('bounded', { key });
  await until(async () => expect((await runsOf('bounded'))[0]?.errorCode).toBe('finish-timed-out'));
  await open(`bounded:${key}`);
});

test('a run that could not begin in time is cancelled', async () => {
  const [a, b] = [newId(), newId()];
  await send('late', { key: a });
  await until(() => expect(seen).toContain(`late:${a}`));
  await send('late', { key: b });
  await until(async () =>
    expect((await runsOf('late')).map((run) => [run.state, run.errorCode])).toEqual([
      ['cancelled', 'start-timed-out'],
      ['running', null],
    ]),
  );
  await open(`late:${a}`);
  await until(() => expect(seen).toContain(`late:after:${a}`));
  expect(seen).not.toContain(`late:${b}`);
});

test.each(['unsupported', 'bad-wait'])(
  'a step that the executor does not have ends the run with a code: %s',
  async (id) => {
    await send(id, {});
    await until(async () =>
      expect((await runsOf(id))[0]).toMatchObject({ state: 'failed', errorCode: 'job-step-unsupported' }),
    );
  },
);

test('a function with an option that is not supported keeps the worker from starting', async () => {
  const other = startWorker({
    databaseUrl: database.syncUrl,
    keys,
    logger: silentLogger,
    port: 0,
    functions: (client) => [
      client.createFunction(
        { id: 'throttled', triggers: [{ event: 'x' }], retries: 0, throttle: { limit: 1, period: '1s' } },
        async () => undefined,
      ),
    ],
  });
  await expect(other).rejects.toMatchObject({
    code: 'misconfigured',
    details: { problem: 'job-option-unsupported', function: 'crosswalk-throttled', option: 'throttle' },
  });
});

describe('the event API', () => {
  const post = (key: string, body: string) => fetch(`${worker.origin}/e/${key}`, { method: 'POST', body });
  test('refuses an unknown key', async () => {
    expect((await post('other', '{"name":"test/x"}')).status).toBe(401);
  });
  test.each([
    '',
    'null',
    '{',
    '[{"name":""}]',
    '{"name":"inngest/function.failed"}',
    '{"name":"x","data":3}',
    '{"name":"x","ts":-1}',
  ])('refuses what is no event: %s', async (body) => {
    expect((await post(keys.eventKey, body)).status).toBe(400);
  });
  test('gives the ids of what it took, the given ones or its own', async () => {
    const id = newId();
    const answer = await (await post(keys.eventKey, JSON.stringify([{ name: 'x', id }, { name: 'x' }]))).json();
    expect(answer).toMatchObject({ status: 200, ids: [id, expect.any(String)] });
  });
});

describe('crons', () => {
  const registry = makeRegistry([
    readFunctionConfig({
      id: 'test-nightly',
      name: 'nightly',
      triggers: [{ cron: '0 3 * * *' }],
      steps: { step: { id: 'step', name: 'step', runtime: { type: 'http', url: 'x' }, retries: { attempts: 0 } } },
    }),
  ]);
  const count = async () => (await database.admin`select 1 from jobs.run where function_id = 'test-nightly'`).length;

  test('fire once however many workers look, and times that passed unseen are made up for by one run', async () => {
    const crons = await database.admin`select * from jobs.cron`;
    await registerCrons(sql, registry, new Date('2030-01-01T00:00:00Z'));
    await Promise.all(Array.from({ length: 4 }, () => runDueCrons(sql, registry, new Date('2030-01-01T02:59:59Z'))));
    expect(await count()).toBe(0);
    await Promise.all(Array.from({ length: 4 }, () => runDueCrons(sql, registry, new Date('2030-01-01T03:00:00Z'))));
    expect(await count()).toBe(1);
    await Promise.all(Array.from({ length: 4 }, () => runDueCrons(sql, registry, new Date('2030-01-05T12:00:00Z'))));
    expect(await count()).toBe(2);
    expect(crons.length).toBeGreaterThan(0);
  });
});

describe('workers that are gone', () => {
  const stateOf = async (id: string) => {
    const rows = await database.admin`select ended_at from jobs.worker where id = ${id}`;
    return z.array(z.object({ ended_at: z.date().nullable() })).parse(rows)[0]?.ended_at === null ? 'living' : 'ended';
  };

  test('are known by their lock, not by their age, and their work is free again', async () => {
    const lease = await takeWorkerLease(database.syncUrl, 'embedded');
    await lease.nameQueueWorkers(['pool-of-theirs']);
    const lock = () => database.admin`
      update graphile_worker._private_jobs set locked_by = 'pool-of-theirs', locked_at = now() - interval '1 hour'
       where key = 'held-job'`;
    await sql`select graphile_worker.add_job('no-such-task', job_key := 'held-job')`;
    await lock();
    await recoverDeadWorkers(sql, newId());
    const held = () => database.admin`select locked_by from graphile_worker._private_jobs where key = 'held-job'`;
    expect([await stateOf(lease.workerId), (await held())[0]]).toEqual(['living', { locked_by: 'pool-of-theirs' }]);
    await database.admin`
      select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and classid = ${0x6a6f6273}
         and objid = (select lock_key from jobs.worker where id = ${lease.workerId})`;
    await until(async () => {
      await recoverDeadWorkers(sql, newId());
      expect([await stateOf(lease.workerId), (await held())[0]]).toEqual(['ended', { locked_by: null }]);
    });
    // It was not dead but cut off: it says so, and has its lock again.
    await until(() => lease.beat());
    await endDeadWorkers(sql, newId());
    expect(await stateOf(lease.workerId)).toBe('living');
    await lease.end();
  });

  test('a call that nothing on the queue stands for is found', async () => {
    const key = newId();
    await send('bounded', { key });
    await until(() => expect(seen).toContain(`bounded:${key}`));
    await open(`bounded:${key}`);
    await until(() => expect(seen).toContain(`bounded:after:${key}`));
    const event = `lost-${key}`;
    const run = newId();
    await database.admin`insert into jobs.event (id, name, data, ts, handled) values (${event}, 'test/bounded', ${`{"key":"${key}"}`}::text::jsonb, now(), true)`;
    await database.admin`insert into jobs.run (id, function_id, event_id, state) values (${run}, 'crosswalk-leaky', ${event}, 'queued')`;
    await database.admin`insert into jobs.item (run_id, step_id, state, due_at) values (${run}, 'step', 'queued', now() - interval '1 hour')`;
    expect(await requeueForgottenCalls(sql)).toBe(1);
    await until(async () =>
      expect((await runsOf('leaky')).some((one) => one.id === run && one.state === 'failed')).toBe(true),
    );
  });
});

test('runs are pruned when they are old: completed ones after a week, failed ones after a month', async () => {
  const add = async (state: 'completed' | 'failed', days: number) => {
    const id = newId();
    await database.admin`insert into jobs.event (id, name, data, ts, handled, received_at)
      values (${id}, 'old', '{}', now(), true, now() - make_interval(days => ${days}::int))`;
    await database.admin`insert into jobs.run (id, function_id, event_id, state, ended_at)
      values (${id}, 'old', ${id}, ${state}, now() - make_interval(days => ${days}::int))`;
    return id;
  };
  const gone = [await add('completed', 8), await add('failed', 31)];
  const kept = [await add('completed', 6), await add('failed', 29)];
  await pruneRuns(sql, { completedDays: 7, failedDays: 30 });
  const left = async (table: 'run' | 'event') =>
    z
      .array(z.object({ id: z.string() }))
      .parse(
        await database.admin`select id::text from ${database.admin(`jobs.${table}`)} where id::text = any(${[...gone, ...kept]})`,
      )
      .map((row) => row.id)
      .toSorted();
  expect(await left('run')).toEqual(kept.toSorted());
  expect(await left('event')).toEqual(kept.toSorted());
});
