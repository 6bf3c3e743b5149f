import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { newId } from '#server/kernel/ids.ts';
import { silentLogger } from '#server/kernel/log.ts';
import { emit } from '#server/kernel/outbox.ts';
import { type EventSink, type OutgoingEvent, relayOnce, startRelay } from './relay.ts';
import { openJobsSql } from './sql.ts';

let database: TestDatabase;
let sql: ReturnType<typeof openJobsSql>;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = openJobsSql(database.syncUrl, { max: 6 });
});
afterAll(async () => {
  await sql?.end();
  await database?.drop();
});
beforeEach(async () => {
  await database.admin`delete from outbox`;
});

const requested = () => ({ mailId: newId(), schoolId: null });
const emitMail = (data = requested()) =>
  database.web.withoutSchool((tx) => emit(tx, 'mail/requested', data, { schoolId: null }));

function recorder(answer: (events: readonly OutgoingEvent[]) => 'taken' | 'refused' = () => 'taken') {
  const calls: string[][] = [];
  const sink: EventSink = async (events) => {
    calls.push(events.map((event) => event.id));
    return answer(events);
  };
  return { calls, sink };
}

test('an event goes out exactly if its transaction commits, with the row as its id', async () => {
  const { calls, sink } = recorder();
  const rolledBack = database.web.withoutSchool(async (tx) => {
    await emit(tx, 'mail/requested', requested(), { schoolId: null });
    throw new Error('changed my mind');
  });
  await expect(rolledBack).rejects.toThrow('changed my mind');
  const first = await emitMail();
  const second = await emitMail();
  expect(await relayOnce(sql, sink)).toBe(2);
  expect(await relayOnce(sql, sink)).toBe(0);
  expect(calls).toEqual([[first, second]]);
});

test('data that is not what the event says is refused before it is written', async () => {
  const more = { ...requested(), email: 'mia@school.example' };
  await expect(emitMail(more)).rejects.toMatchObject({ code: 'internal' });
  await expect(emitMail({ mailId: 'no id', schoolId: null })).rejects.toMatchObject({ code: 'internal' });
});

test('what could not be sent is sent again, with the same id', async () => {
  const id = await emitMail();
  const down: EventSink = () => Promise.reject(new Error('down'));
  await expect(relayOnce(sql, down)).rejects.toThrow('down');
  const { calls, sink } = recorder();
  await relayOnce(sql, sink);
  expect(calls).toEqual([[id]]);
});

test('one that the receiver refuses does not hold up the others, and is given up in the end', async () => {
  const [good, bad, also] = [await emitMail(), await emitMail(), await emitMail()];
  const { calls, sink } = recorder((events) => (events.some((event) => event.id === bad) ? 'refused' : 'taken'));
  await relayOnce(sql, sink);
  expect(calls).toEqual([[good, bad, also], [good], [bad], [also]]);
  for (let tries = 0; tries < 12; tries++) await relayOnce(sql, sink);
  expect(await relayOnce(sql, sink)).toBe(0);
  const rows = z
    .array(z.object({ id: z.string() }))
    .parse(await database.admin`select id from outbox where sent_at is null`);
  expect(rows.map((row) => row.id)).toEqual([bad]);
});

test('two relays do not send one event twice', async () => {
  for (let i = 0; i < 30; i++) await emitMail();
  const { calls, sink } = recorder();
  await Promise.all([relayOnce(sql, sink), relayOnce(sql, sink), relayOnce(sql, sink)]);
  await relayOnce(sql, sink);
  expect(new Set(calls.flat()).size).toBe(calls.flat().length);
  expect(calls.flat()).toHaveLength(30);
});

test('a commit wakes the relay at once', async () => {
  let tell: (id: string | undefined) => void = () => undefined;
  const arrived = new Promise<string | undefined>((resolve) => {
    tell = resolve;
  });
  const relay = startRelay({
    sql,
    databaseUrl: database.syncUrl,
    logger: silentLogger,
    sink: async (events) => {
      tell(events[0]?.id);
      return 'taken';
    },
  });
  const started = Date.now();
  const id = await emitMail();
  expect(await arrived).toBe(id);
  expect(Date.now() - started).toBeLessThan(2_000);
  await relay.stop();
});

describe('the web role', () => {
  test('can write events and neither read, change nor delete them', async () => {
    const id = await emitMail();
    for (const statement of [
      'select * from outbox',
      'update outbox set sent_at = now()',
      `delete from outbox where id = '${id}'`,
    ]) {
      await expect(database.web.sql.unsafe(statement)).rejects.toMatchObject({ code: '42501' });
    }
  });
  test('cannot write one in the name of another school', async () => {
    const foreign = database.web.withSchool(newId(), (tx) =>
      emit(tx, 'mail/requested', requested(), { schoolId: newId() }),
    );
    await expect(foreign).rejects.toThrow();
  });
  test('reads no payload of a job', async () => {
    for (const table of ['event', 'run', 'step', 'item']) {
      await expect(database.web.sql.unsafe(`select * from jobs.${table}`)).rejects.toMatchObject({ code: '42501' });
    }
  });
});

test('the relay sees every school’s events and can change nothing of them but that they were sent', async () => {
  await emitMail();
  await expect(sql`update outbox set name = 'other'`).rejects.toMatchObject({ code: '42501' });
  await expect(sql`update outbox set data = '{}'`).rejects.toMatchObject({ code: '42501' });
  await expect(sql`update outbox set sent_at = now()`).resolves.toBeDefined();
});
