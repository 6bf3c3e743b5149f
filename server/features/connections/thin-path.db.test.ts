import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { testNow } from '#server/testing/actors.ts';
import { decisionPage } from './decision-page.ts';
import { enterCredential } from './enter-credential.ts';
import {
  addSis,
  approve,
  askFor,
  edge,
  goLive,
  mailsTo,
  makeScene,
  sisEntry,
  succeed,
} from './testing/school-with-sis.ts';

describe('from nothing to live, against the SIS of the sandbox', () => {
  let database: TestDatabase;
  let sis: RunningSis;
  const clock = fixedClock(testNow);
  beforeAll(async () => {
    database = await createTestDatabase();
    sis = await startSis({ schools: ['lindenhof'] });
  });
  afterAll(async () => {
    await sis.close();
    await database.drop();
  });

  it('passes requested, approved, connecting and live, each with its turn, and mails whose turn it is', async () => {
    const scene = await makeScene(database, clock);
    const entry = sisEntry(sis);
    const systemId = await addSis(scene, entry.settings);
    const { requestId, connectionId } = await askFor(scene, systemId);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'requested', turn: 'approver' });
    expect(await mailsTo(scene, scene.school.people.approver.email)).toEqual(['request-arrived']);

    const approved = await approve(scene, requestId);
    expect(approved.connects).toBe(false);
    expect(await edge(scene, connectionId)).toMatchObject({
      state: 'approved',
      turn: 'technical-contact',
      cause: 'credential-needed',
    });
    expect(await mailsTo(scene, scene.school.people['technical-contact'].email)).toEqual(['credential-wanted']);
    expect(await mailsTo(scene, scene.agent.administrator.email)).toEqual(['request-approved']);

    const ctx = await scene.as('technical-contact');
    const { schoolId } = scene;
    const trial = await enterCredential({ ctx, input: { schoolId, systemId, secret: entry.secret } });
    expect(trial).toMatchObject({ outcome: 'proved', proof: { ok: true } });
    expect(await edge(scene, connectionId)).toMatchObject({
      state: 'connecting',
      turn: 'crosswalk',
      cause: 'first-sync',
    });
    const events = await database.admin`
      select name from outbox where school_id = ${schoolId} and name = 'sync/requested'`;
    expect(events).toHaveLength(1);

    await succeed(scene, systemId);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'live', turn: 'nobody', cause: 'in-sync' });
  });

  it('explains a wrong secret per scope, keeps the approval and takes the corrected one', async () => {
    const scene = await makeScene(database, clock);
    const entry = sisEntry(sis);
    const systemId = await addSis(scene, entry.settings);
    const { requestId, connectionId } = await askFor(scene, systemId);
    await approve(scene, requestId);
    const ctx = await scene.as('technical-contact');
    const { schoolId } = scene;
    const wrong = { ...entry.secret, clientSecret: 'not-the-secret' };
    const refused = await enterCredential({ ctx, input: { schoolId, systemId, secret: wrong } });
    expect(refused.outcome).toBe('refused');
    expect(refused.proof?.results.map(({ scope, errorCode }) => [scope, errorCode])).toEqual([
      ['roster.subjects', 'credential-refused'],
      ['roster.streams', 'credential-refused'],
      ['roster.groups', 'credential-refused'],
    ]);
    expect(await edge(scene, connectionId)).toMatchObject({
      state: 'connecting',
      turn: 'technical-contact',
      cause: 'proof-refused',
    });
    const proved = await enterCredential({ ctx, input: { schoolId, systemId, secret: entry.secret } });
    expect(proved.outcome).toBe('proved');
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'first-sync' });
  });

  it('connects by itself where a credential is proved already and suffices', async () => {
    const scene = await makeScene(database, clock);
    const entry = sisEntry(sis);
    const systemId = await addSis(scene, entry.settings);
    const { schoolId } = scene;
    await enterCredential({
      ctx: await scene.as('technical-contact'),
      input: { schoolId, systemId, secret: entry.secret },
    });
    const { requestId, connectionId } = await askFor(scene, systemId);
    const approved = await approve(scene, requestId);
    expect(approved.connects).toBe(true);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'first-sync' });
    expect(await mailsTo(scene, scene.school.people['technical-contact'].email)).toEqual([]);
  });

  it('never asks the SIS for a person', async () => {
    const scene = await makeScene(database, clock);
    await goLive(scene, sis);
    const paths = sis.requests('lindenhof').map(({ path }) => path);
    expect(paths.length).toBeGreaterThan(3);
    expect(paths.filter((path) => /users|students|teachers|enrollments|demographics/.test(path))).toEqual([]);
  });

  it('shows the approver everything that the decision needs', async () => {
    const scene = await makeScene(database, clock);
    const systemId = await addSis(scene, sisEntry(sis).settings);
    const { requestId } = await askFor(scene, systemId);
    const { schoolId } = scene;
    const page = await decisionPage({ ctx: await scene.as('approver'), input: { schoolId, requestId } });
    expect(page).toMatchObject({
      state: 'requested',
      asker: { as: 'agent', person: 'Ada Agent Admin' },
      purpose: 'To offer each group its books',
      until: '2026-09-30',
      blockedBy: null,
      reach: { kind: 'all' },
      system: { hosts: [`127.0.0.1:${sis.port}`], hostConfirmedBy: 'Tom Technical' },
      scopes: [
        { scope: 'roster.subjects', required: true, count: null, precision: 'after-first-sync' },
        { scope: 'roster.groups', required: true },
        { scope: 'roster.streams', required: false },
      ],
    });
  });
});
