import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { canonicalJson } from '#server/kernel/canonical-json.ts';
import { newId } from '#server/kernel/ids.ts';
import { emit } from '#server/kernel/outbox.ts';
import { type Target, type WorkerProcess, workerProcess } from './fixtures/worker-process.ts';
import { handlerPath } from './handler.ts';
import { signatureToleranceMs, signBody } from './signature.ts';

/**
 * What an executor must do for Crosswalk's functions, whichever executor it is. The worker is a process of its own with the
 * functions of `fixtures/`; what a function did is seen by the rows that it wrote.
 */
export function conformanceSuite(target: Target): void {
  describe(`jobs on ${target.name}`, () => {
    let database: TestDatabase;
    let worker: WorkerProcess;
    /** An Inngest server backs off by tens of seconds where we do by milliseconds. */
    const patience = target.inngestBaseUrl === null ? 15_000 : 110_000;

    beforeAll(async () => {
      database = await createTestDatabase();
      worker = await workerProcess(target, database);
      await worker.start();
      await registered();
    });
    afterAll(async () => {
      await worker?.close();
      await database?.drop();
    });

    const until = (check: () => Promise<void>) => vi.waitFor(check, { timeout: patience, interval: 25 });
    const untilEffects = (key: string, expected: string[]) =>
      until(async () => expect((await worker.effects(key)).toSorted()).toEqual(expected.toSorted()));
    const count = (effects: readonly string[], what: string) => effects.filter((one) => one === what).length;

    /** An Inngest server learns the functions a moment after the start. */
    async function registered(): Promise<void> {
      await until(async () => {
        const key = newId();
        await worker.send([{ name: 'conformance/left', data: { key } }]);
        await vi.waitFor(async () => expect((await worker.effects(key)).length).toBeGreaterThan(0), {
          timeout: 3_000,
          interval: 50,
        });
      });
    }

    async function start(name: string, data: Record<string, unknown> = {}): Promise<string> {
      const key = newId();
      await worker.send([{ name: `conformance/${name}`, data: { key, ...data } }]);
      return key;
    }

    test('an event starts a run whose steps run once each, in order, with their results handed on', async () => {
      const key = await start('steps');
      await untilEffects(key, ['a', 'b', 'c', 'result:3']);
      expect(await worker.effects(key)).toEqual(['a', 'b', 'c', 'result:3']);
    });

    test('an event that a verb wrote with its transaction is relayed', async () => {
      const mailId = newId();
      await database.web.withoutSchool((tx) =>
        emit(tx, 'mail/requested', { mailId, schoolId: null }, { schoolId: null }),
      );
      await untilEffects(mailId, ['relayed']);
    });

    test('one event starts every function that it triggers, and one function is started by each of its events', async () => {
      const left = await start('left');
      const right = await start('right');
      await untilEffects(left, ['either:conformance/left', 'also-left']);
      await untilEffects(right, ['either:conformance/right']);
    });

    test('a condition on a trigger lets only its events through', async () => {
      const blue = await start('paint', { colour: 'blue' });
      const red = await start('paint', { colour: 'red' });
      await untilEffects(red, ['painted']);
      expect(await worker.effects(blue)).toEqual([]);
    });

    test('an event that comes twice with one id starts one run', async () => {
      const key = newId();
      const event = { name: 'conformance/steps', id: `twice-${key}`, data: { key } };
      await worker.send([event]);
      await worker.send([event]);
      await untilEffects(key, ['a', 'b', 'c', 'result:3']);
      await start('steps').then((other) => untilEffects(other, ['a', 'b', 'c', 'result:3']));
      expect(await worker.effects(key)).toHaveLength(4);
    });

    test('an idempotency key lets one of several events through', async () => {
      const key = newId();
      const once = { name: 'conformance/once', data: { key } };
      await worker.send([once, once, once]);
      await untilEffects(key, ['once']);
      await start('steps').then((other) => untilEffects(other, ['a', 'b', 'c', 'result:3']));
      expect(await worker.effects(key)).toEqual(['once']);
    });

    test('parallel branches each run their steps once and are joined', async () => {
      const key = await start('parallel');
      await untilEffects(key, ['x-1', 'y-1', 'z-1', 'x-2', 'y-2', 'z-2', 'join:x1x2,y1y2,z1z2']);
    });

    test('a sleep holds the run back for its time', async () => {
      const started = Date.now();
      const key = await start('sleep');
      await untilEffects(key, ['before', 'after']);
      expect(Date.now() - started).toBeGreaterThanOrEqual(1_000);
    });

    test('waiting for an event takes the one with the same key and no other', async () => {
      const key = await start('wait');
      const other = await start('wait');
      await vi.waitFor(
        async () => {
          await worker.send([{ name: 'conformance/answer', data: { key, word: 'mine' } }]);
          await vi.waitFor(async () => expect(await worker.effects(key)).toEqual(['answered:mine']), {
            timeout: 1_000,
            interval: 25,
          });
        },
        { timeout: patience, interval: 25 },
      );
      expect(await worker.effects(other)).toEqual([]);
    });

    test('waiting for an event ends with nothing when the time is up', async () => {
      const key = await start('wait', { timeout: '1s' });
      await untilEffects(key, ['timed-out']);
    });

    test('a failing step is tried again after the wait that it asked for, and what ran before it is not', async () => {
      const started = Date.now();
      const key = await start('flaky');
      await untilEffects(key, ['steady', 'try:0', 'try:1', 'try:2', 'done']);
      // Retry-After is rounded to seconds by some: two waits of about one.
      expect(Date.now() - started).toBeGreaterThanOrEqual(1_500);
    });

    test('what is not to be retried fails at once and its failure handler is told', async () => {
      const key = await start('fail', { how: 'for-good' });
      await untilEffects(key, ['try', 'failure:credential-refused']);
    });

    test('when the retries are used up the failure handler is told', async () => {
      const key = await start('fail');
      await untilEffects(key, ['try', 'try', 'failure:timed-out']);
    });

    test('a function may catch a step that failed for good', async () => {
      const key = await start('recover');
      await untilEffects(key, ['instead']);
    });

    test('a function calls another and gets its result or its failure, and sends events', async () => {
      const key = await start('parent');
      await untilEffects(key, ['child', 'parent:42', 'child', 'child-failed:yes', 'told']);
    });

    test('a run is cancelled by the event that it names', async () => {
      const key = await start('cancellable');
      await untilEffects(key, ['before']);
      await worker.send([{ name: 'conformance/cancel', data: { key } }]);
      const untouched = await start('cancellable');
      await untilEffects(untouched, ['before']);
      await vi.waitFor(
        async () => {
          await worker.send([
            { name: 'conformance/go', data: { key } },
            { name: 'conformance/go', data: { key: untouched } },
          ]);
          await vi.waitFor(async () => expect(await worker.effects(untouched)).toEqual(['before', 'after']), {
            timeout: 1_000,
            interval: 25,
          });
        },
        { timeout: patience, interval: 25 },
      );
      expect(await worker.effects(key)).toEqual(['before']);
    });

    test('with a limit of one per key no two steps of the key run at a time, and all of them run', async () => {
      const key = newId();
      const work = { name: 'conformance/serial', data: { key } };
      await worker.send([work, work, work, work, work]);
      await until(async () => expect(count(await worker.effects(key), 'leave')).toBe(5));
      expect(count(await worker.effects(key), 'overlap')).toBe(0);
    });

    describe('a call reaches no function', () => {
      const body = canonicalJson({
        event: { name: 'conformance/steps', data: {} },
        events: [],
        steps: {},
        ctx: { run_id: 'x', attempt: 0 },
      });
      const call = (signature: string | null, method = 'POST') =>
        fetch(`${worker.origin}${handlerPath}?fnId=crosswalk-conformance-steps&stepId=step`, {
          method,
          headers: {
            'content-type': 'application/json',
            ...(signature === null ? {} : { 'x-inngest-signature': signature }),
          },
          ...(method === 'GET' ? {} : { body }),
        });

      test.each(['POST', 'PUT', 'GET'])('when a %s is unsigned', async (method) => {
        expect((await call(null, method)).status).toBe(401);
      });
      test('when it is signed with another key', async () => {
        expect((await call(signBody(`signkey-test-${'0'.repeat(64)}`, body, new Date()))).status).toBe(401);
      });
      test('when another body was signed', async () => {
        expect((await call(signBody(target.keys.signingKey, `${body} `, new Date()))).status).toBe(401);
      });
      test('when its signature is old', async () => {
        const old = new Date(Date.now() - signatureToleranceMs - 5_000);
        expect((await call(signBody(target.keys.signingKey, body, old))).status).toBe(401);
      });
      test('but does when it is signed with the key in use or with the fallback key', async () => {
        for (const key of [target.keys.signingKey, target.keys.signingKeyFallback ?? '']) {
          expect((await call(signBody(key, body, new Date()))).status).toBe(206);
        }
      });
    });

    describe('killed with SIGKILL and started again, a run goes on', () => {
      test.each([
        ['before the first step', 'before-a', ['a', 'b', 'c', 'result:3']],
        ['inside a step, which was not finished', 'in-a', ['a', 'a', 'b', 'c', 'result:3']],
        ['between the first and the second step', 'between-a-b', ['a', 'b', 'c', 'result:3']],
        ['between the second and the third step', 'between-b-c', ['a', 'b', 'c', 'result:3']],
        ['after the third step', 'after-c', ['a', 'b', 'c', 'result:3']],
      ])('%s', async (_name, point, expected) => {
        const key = newId();
        await worker.dieAt(key, point);
        await worker.send([{ name: 'conformance/steps', data: { key } }]);
        await worker.ended();
        await worker.start();
        await untilEffects(key, expected);
      });

      test('while it sleeps', async () => {
        const key = await start('sleep');
        await until(async () => expect(await worker.effects(key)).toContain('before'));
        await worker.kill();
        await worker.start();
        await until(async () => expect(await worker.effects(key)).toContain('after'));
        // The kill can have come before the executor had heard of the first step's end.
        expect([...new Set(await worker.effects(key))]).toEqual(['before', 'after']);
        expect(count(await worker.effects(key), 'after')).toBe(1);
      });

      test('whenever it happens: nothing is lost, and no step runs again after a later one began', async () => {
        const keys = Array.from({ length: 20 }, () => newId());
        await worker.send(keys.map((key) => ({ name: 'conformance/steps', data: { key } })));
        for (const after of [40, 90, 150]) {
          await wait(after);
          await worker.kill();
          await worker.start();
        }
        await until(async () => {
          for (const key of keys) expect(await worker.effects(key)).toContain('result:3');
        });
        for (const key of keys) {
          const effects = await worker.effects(key);
          const order = ['a', 'b', 'c', 'result:3'].map((what) => [effects.indexOf(what), effects.lastIndexOf(what)]);
          for (const [index, [, last]] of order.slice(0, -1).entries()) {
            expect(last).toBeLessThan(order[index + 1]?.[0] ?? -1);
          }
        }
      });
    });

    test('SIGTERM ends the worker cleanly and its work is taken up by the next', async () => {
      const keys = await Promise.all([start('steps'), start('sleep'), start('parallel')]);
      expect(await worker.terminate()).toBe(0);
      await worker.start();
      await untilEffects(keys[0], ['a', 'b', 'c', 'result:3']);
      await untilEffects(keys[1], ['before', 'after']);
      await until(async () => expect(await worker.effects(keys[2])).toContain('join:x1x2,y1y2,z1z2'));
    });

    test('a cron fires', { timeout: 150_000 }, async () => {
      await vi.waitFor(async () => expect(await worker.effects('cron')).toContain('fired'), {
        timeout: 130_000,
        interval: 250,
      });
    });
  });
}
