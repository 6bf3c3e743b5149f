import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type Clock, fixedClock } from '#server/kernel/clock.ts';
import { newId } from '#server/kernel/ids.ts';
import { contextOf, testNow } from '#server/testing/actors.ts';
import { authenticateCall } from './authenticate-call.ts';
import { type LiveConsumer, makeLiveConsumer, wireRoster } from './testing/live-consumer.ts';

describe('a consumer’s call', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  const calls = async (token: string | null, clock: Clock = fixedClock(testNow)) =>
    authenticateCall(await contextOf(database, { kind: 'anonymous' }, { clock }), {
      method: 'GET',
      url: 'http://localhost/ims/oneroster/rostering/v1p2/classes',
      authorization: token,
    });
  const refused = (token: string | null, clock?: Clock) =>
    expect(calls(token, clock)).rejects.toMatchObject({ code: 'token-refused', http: 401 });

  it('is let in by a token, with what its live grant gives', async () => {
    const live = await makeLiveConsumer(database, { withoutFields: ['roster.students:email'] });
    expect(await calls(`bearer ${live.token}`)).toEqual({
      schoolId: live.schoolId,
      connectionId: live.connectionId,
      grantId: live.grantId,
      consumerClientId: live.consumerClientId,
      producerSystemId: live.sisId,
      scopes: [
        'roster.subjects',
        'roster.streams',
        'roster.groups',
        'roster.classes',
        'roster.teachers',
        'roster.students',
      ],
      wireScopes: wireRoster,
      withoutFields: ['roster.students:email'],
      sharingRule: { sites: [], streams: [], subjects: [], groups: [] },
    });
    for (const nothing of [null, '', 'Bearer', `Basic ${live.token}`, `Bearer ${live.token} more`]) {
      await expect(calls(nothing)).rejects.toMatchObject({ code: 'token-missing', http: 401 });
    }
    await refused(`Bearer ${live.token}x`);
    await refused(`Bearer ${live.token}`, fixedClock('2026-03-02T10:00:00.000Z'));
  });

  /** Each takes back one thing that a token rests on. */
  const ends: Record<string, (live: LiveConsumer) => Promise<unknown>> = {
    'the client is revoked': (live) =>
      database.admin`update consumer_client set revoked_at = ${testNow} where id = ${live.consumerClientId}`,
    'the connection is paused': (live) =>
      database.admin`update connection set state = 'paused' where id = ${live.connectionId}`,
    'the connection is ended': (live) =>
      database.admin`update connection set state = 'revoked', ended_at = ${testNow} where id = ${live.connectionId}`,
    'the grant is over': (live) =>
      database.admin`update "grant" set ended_at = ${testNow}, end_reason = 'revoked' where id = ${live.grantId}`,
    'the grant’s last day has passed': (live) =>
      database.admin`update "grant" set valid_until = '2026-03-01' where id = ${live.grantId}`,
    'everything is stopped': (live) =>
      database.admin`update school set stopped_at = ${testNow} where id = ${live.schoolId}`,
    'the school is trusted no more': (live) =>
      database.admin`update school set trust = 'refused' where id = ${live.schoolId}`,
    'the agreement has ended': (live) =>
      database.admin`update agreement set state = 'ended' where school_id = ${live.schoolId}`,
    'data is written into the LMS instead': (live) =>
      database.admin`update connection set way = 'push' where id = ${live.connectionId}`,
    'another grant has taken the place of the one it was issued under': async (live) => {
      await database.admin`update "grant" set ended_at = ${testNow}, end_reason = 'narrowed' where id = ${live.grantId}`;
      await database.admin`
        insert into "grant" (id, school_id, connection_id, request_id, scopes, sharing_rule, purpose, valid_from, valid_until, granted_by)
        select ${newId()}, school_id, connection_id, request_id, '{roster.groups}', sharing_rule, purpose, valid_from, valid_until, granted_by
          from "grant" where id = ${live.grantId}`;
    },
  };
  for (const [when, end] of Object.entries(ends)) {
    it(`is refused at the very next request once ${when}`, async () => {
      const live = await makeLiveConsumer(database);
      await calls(`Bearer ${live.token}`);
      await end(live);
      await refused(`Bearer ${live.token}`);
    });
  }

  it('goes on while the SIS does not answer: what was received before stays released', async () => {
    const live = await makeLiveConsumer(database);
    await database.admin`update connection set state = 'failing' where id = ${live.connectionId}`;
    expect(await calls(`Bearer ${live.token}`)).toMatchObject({ grantId: live.grantId });
  });
});
