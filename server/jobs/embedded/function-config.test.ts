import { eventType, Inngest } from 'inngest';
import { serve } from 'inngest/edge';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { nextCronTime, readFunctionConfig } from './function-config.ts';

const steps = (retries?: unknown) => ({
  step: { id: 'step', name: 'step', runtime: { type: 'http', url: 'http://127.0.0.1/api/inngest' }, retries },
});
const config = (extra: Record<string, unknown> = {}) => ({
  id: 'app-fn',
  name: 'fn',
  triggers: [{ event: 'thing/happened' }],
  steps: steps({ attempts: 3 }),
  ...extra,
});

function refusal(raw: Record<string, unknown>): unknown {
  try {
    readFunctionConfig(raw);
    return 'accepted';
  } catch (error) {
    return isCrosswalkError(error, 'misconfigured') ? error.details.option : error;
  }
}

test('what is supported is read', () => {
  const fn = readFunctionConfig(
    config({
      triggers: [{ event: 'a', expression: "event.data.x == 'y'" }, { cron: 'TZ=Europe/Amsterdam 0 6 * * 1-5' }],
      concurrency: [{ limit: 1, key: 'event.data.systemId' }, { limit: 4 }],
      idempotency: 'event.data.mailId',
      singleton: { key: 'event.data.x', mode: 'cancel' },
      cancel: [{ event: 'b', if: 'event.data.x == async.data.x', timeout: '1h' }],
      timeouts: { start: '1m', finish: '1h' },
    }),
  );
  expect(fn.maxAttempts).toBe(4);
  expect(fn.crons).toEqual(['TZ=Europe/Amsterdam 0 6 * * 1-5']);
  expect(fn.concurrency.map(({ limit }) => limit)).toEqual([1, 4]);
  expect([fn.startTimeoutMs, fn.finishTimeoutMs, fn.cancelOn[0]?.withinMs]).toEqual([60_000, 3_600_000, 3_600_000]);
});

describe('the start is refused, with the option named, for', () => {
  test.each([
    ['throttle', { throttle: { limit: 1, period: '1s' } }, 'throttle'],
    ['rateLimit', { rateLimit: { limit: 1, period: '1s' } }, 'rateLimit'],
    ['debounce', { debounce: { period: '1s' } }, 'debounce'],
    ['batchEvents', { batchEvents: { maxSize: 10, timeout: '1s' } }, 'batchEvents'],
    ['priority', { priority: { run: '100' } }, 'priority'],
    ['an option that does not exist yet', { futureOption: true }, 'futureOption'],
    ['jitter of a cron', { triggers: [{ cron: '* * * * *', jitter: '30s' }] }, 'triggers.0.jitter'],
    ['a cron of six fields', { triggers: [{ cron: '0 * * * * *' }] }, 'triggers.cron'],
    ['a cron in no time zone of this world', { triggers: [{ cron: 'TZ=Mars/Olympus * * * * *' }] }, 'triggers.cron'],
    ['a wildcard', { triggers: [{ event: 'thing/*' }] }, 'triggers.event'],
    ['a condition that it cannot judge', { triggers: [{ event: 'a', expression: 'event.data.n > 3' }] }, 'triggers.if'],
    ['a key that it cannot read', { concurrency: { limit: 1, key: 'event.data.a + event.data.b' } }, 'concurrency.key'],
    ['an idempotency key that it cannot read', { idempotency: 'string(event.data.a)' }, 'idempotency'],
    ['a cancellation that it cannot judge', { cancel: [{ event: 'b', if: 'true || false' }] }, 'cancelOn.if'],
    ['retries that are not said', { steps: steps() }, 'steps.step.retries'],
    ['more retries than there can be', { steps: steps({ attempts: 21 }) }, 'steps.step.retries.attempts'],
    [
      'a websocket',
      { steps: { step: { ...steps().step, runtime: { type: 'ws', url: 'ws://x' } } } },
      'steps.step.runtime.type',
    ],
  ])('%s', (_name, extra, option) => {
    expect(refusal(config(extra))).toBe(option);
  });
});

test('the allow-list knows every field that the SDK registers for a plain function', async () => {
  const signingKey = `signkey-test-${'ab'.repeat(32)}`;
  const client = new Inngest({ id: 'app', isDev: true, signingKey, checkpointing: false });
  const happened = eventType('thing/happened', { schema: z.object({ id: z.string() }) });
  const fn = client.createFunction(
    { id: 'fn', triggers: [happened], retries: 2, onFailure: async () => undefined },
    async () => undefined,
  );
  const response = await serve({ client, functions: [fn] })(
    new Request('http://localhost/api/inngest', {
      method: 'PUT',
      headers: { host: 'localhost', 'x-inngest-sync-kind': 'in_band' },
      body: JSON.stringify({ url: 'http://localhost/api/inngest' }),
    }),
  );
  const { functions } = z
    .object({ functions: z.array(z.record(z.string(), z.unknown())) })
    .parse(await response.json());
  expect(functions.map((one) => readFunctionConfig(one).id)).toEqual(['app-fn', 'app-fn-failure']);
});

describe('crons', () => {
  test('follow the time zone, also where its clocks change', () => {
    const six = 'TZ=Europe/Amsterdam 0 6 * * *';
    expect(nextCronTime(six, new Date('2026-10-24T12:00:00Z'))).toEqual(new Date('2026-10-25T05:00:00Z'));
    expect(nextCronTime(six, new Date('2026-10-24T00:00:00Z'))).toEqual(new Date('2026-10-24T04:00:00Z'));
  });
  test('are in UTC where none is named', () => {
    expect(nextCronTime('30 2 1 * *', new Date('2026-11-20T00:00:00Z'))).toEqual(new Date('2026-12-01T02:30:00Z'));
  });
  test.each(['', '* * * *', '61 * * * *', 'every day'])('are refused where they are none: %j', (text) => {
    expect(nextCronTime(text, new Date())).toBeNull();
  });
});
