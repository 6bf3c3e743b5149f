import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { canvasLogins } from '#sandbox/canvas/model.ts';
import { type RunningCanvas, startCanvas } from '#sandbox/canvas/server.ts';
import { connectorById } from '#server/connectors/registry.ts';
import { testSession } from '#server/connectors/testing/session.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { systemContext } from '#server/testing/actors.ts';
import { makePushedSchool, recordedPushPorts, runPush } from '../testing/push-harness.ts';

let database: TestDatabase;
let canvas: RunningCanvas;
beforeAll(async () => {
  database = await createTestDatabase();
  canvas = await startCanvas({ filledBy: 'nobody', settings: { quota: 1_000_000 } });
});
afterAll(async () => {
  await canvas.close();
  await database.drop();
});

it('a roster is pushed into Canvas, once; who leaves is suspended; nobody is written to', async () => {
  const admin = [...canvas.model.users.values()].find(({ login }) => login === canvasLogins.admin);
  if (admin === undefined) throw new Error('the sandbox has no administrator');
  const { session, close } = testSession({
    settings: { baseUrl: canvas.url },
    secret: { clientId: canvas.demoKey.id, clientSecret: canvas.demoKey.secret },
    tokens: {
      ...canvas.oauth.mint(canvas.demoKey.id, admin.id),
      expiresAt: null,
      scopes: null,
      actsAs: admin.name,
      clientAuthentication: 'body',
    },
  });
  const connector = connectorById('canvas');
  const { push } = connector.open(session);
  const facts = connector.push;
  if (push === null || facts === null) throw new Error('Canvas can be written to');
  const web = await systemContext(database, { clock: fixedClock('2026-11-20T09:00:00Z') });
  const sync = { ...web, database: database.sync };
  const ports = recordedPushPorts(() => push, facts);
  const school = await makePushedSchool(database);
  const run = (options: Parameters<typeof runPush>[3]) => runPush({ web, sync }, ports, school, options);
  const yes = (pushRunId: string) =>
    database.admin`update push_run set state = 'queued', approved_at = now(), held = null where id = ${pushRunId}`;

  const first = await run({ trigger: 'first' });
  expect([first.outcome, canvas.imports.list()]).toEqual(['held', []]);
  await yes(first.pushRunId);
  expect((await run({ pushRunId: first.pushRunId })).outcome).toBe('done');
  const ours = [...canvas.model.users.values()].filter(({ sisId }) => sisId !== null);
  const enrolled = [...canvas.model.enrollments.values()].filter(({ importId }) => importId !== null);
  expect([ours.length, enrolled.length, canvas.model.memberships.size]).toEqual([11, 13, 13]);
  const ledger = await database.admin`
    select entity, count(*)::int as n, count(foreign_id)::int as known from push_ledger where connection_id = ${school.connectionId} group by entity order by entity`;
  expect(Object.fromEntries(ledger.map(({ entity, n }) => [entity, n]))).toMatchObject({ user: 11, enrolment: 13 });
  expect(ledger.find(({ entity }) => entity === 'user')?.known).toBe(11);
  const failed =
    await database.admin`select entity, key, problem from push_row where push_run_id = ${first.pushRunId} and state <> 'done'`;
  expect([...failed]).toEqual([]);

  const second = await run({ trigger: 'sync' });
  expect([second.outcome, canvas.imports.list().length]).toEqual(['done', 1]);

  await database.admin`update roster_person set gone_at = now() where school_id = ${school.schoolId} and source_id = 'student-1'`;
  const third = await run({ trigger: 'sync' });
  if (third.outcome === 'held') {
    await yes(third.pushRunId);
    await run({ pushRunId: third.pushRunId });
  }
  const left = canvas.model.users.get(ours.find(({ sisId }) => sisId === 'student-1')?.id ?? '');
  expect(left?.state).toBe('suspended');
  expect([...canvas.model.users.values()].filter(({ state }) => state === 'deleted')).toEqual([]);
  expect(canvas.mails.list()).toEqual([]);
  await close();
});
