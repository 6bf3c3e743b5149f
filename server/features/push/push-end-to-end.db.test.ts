import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type RunningCanvas, startCanvas } from '#sandbox/canvas/server.ts';
import { type RunningMoodle, startMoodle } from '#sandbox/moodle/server.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import { connectorById } from '#server/connectors/registry.ts';
import { connectionPage } from '#server/features/connections/connection-page.ts';
import { createConnectionWork } from '#server/features/connections/connection-work.ts';
import { decisionPage } from '#server/features/connections/decision-page.ts';
import { declineRequest } from '#server/features/connections/decline-request.ts';
import { draftRequest } from '#server/features/connections/draft-request.ts';
import { enterCredential } from '#server/features/connections/enter-credential.ts';
import { finishConsent } from '#server/features/connections/finish-consent.ts';
import { inbox } from '#server/features/connections/inbox.ts';
import { receipts } from '#server/features/connections/receipts.ts';
import { revokeConnection } from '#server/features/connections/revoke-connection.ts';
import { sendRequest } from '#server/features/connections/send-request.ts';
import { startConsent } from '#server/features/connections/start-consent.ts';
import { onSyncFailed, onSyncHeld, onSyncSucceeded } from '#server/features/connections/sync-outcome.ts';
import { sweepSystem } from '#server/features/connections/tend-connections.ts';
import { testCredential } from '#server/features/connections/test-credential.ts';
import { consentAtCanvas } from '#server/features/connections/testing/consent-at-canvas.ts';
import {
  addSis,
  approve,
  edge,
  mailsTo,
  makeScene,
  type Scene,
  sisEntry,
  succeed,
} from '#server/features/connections/testing/school-with-sis.ts';
import { withSession } from '#server/features/connections/use-credential.ts';
import { requestSync } from '#server/features/sync/request-sync.ts';
import { createSyncWork } from '#server/features/sync/sync-work.ts';
import { addSystem } from '#server/features/systems/add-system.ts';
import { enterAddress } from '#server/features/systems/enter-address.ts';
import { systemPage } from '#server/features/systems/system-page.ts';
import { type Clock, fixedClock } from '#server/kernel/clock.ts';
import type { Context } from '#server/kernel/context.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Slice } from '#server/roster/fetch-slice.ts';
import type { PushPorts } from '#server/roster/push/ports.ts';
import { runPush } from '#server/roster/testing/push-harness.ts';
import { shrinkSchool } from '#server/roster/testing/small-school.ts';
import { testNow } from '#server/testing/actors.ts';
import { approvePush } from './approve-push.ts';
import { choosePushEnding } from './choose-ending.ts';
import { pushDetail } from './push-detail.ts';
import { onPushDone, onPushEnded, onPushFailed, onPushHeld } from './push-outcome.ts';
import { pushPage } from './push-page.ts';
import { requestPushesAfterSync } from './request-after-sync.ts';
import { requestPush } from './request-push.ts';
import { savePushSettings } from './save-settings.ts';
import { provePush, withPush } from './with-push.ts';

/** The features as a push's stages are given them: the stages run as the sync role, these as the web role. */
const portsAs = (web: Context): PushPorts => ({
  factsOf: (connector) => connectorById(connector).push,
  withPush: (_ctx, use, run) => withPush(web, use, run),
  provePush: (_ctx, use) => provePush(web, use),
  onPushDone: (_ctx, outcome) => onPushDone(web, outcome),
  onPushHeld: (_ctx, outcome) => onPushHeld(web, outcome),
  onPushFailed: (_ctx, outcome) => onPushFailed(web, outcome),
  onPushEnded: (_ctx, outcome) => onPushEnded(web, outcome),
});
const scopes = (
  [
    'roster.subjects',
    'roster.streams',
    'roster.groups',
    'roster.classes',
    'roster.teachers',
    'roster.students',
  ] as const
).map((scope) => ({ scope, required: true }));
const courseFunctions = ['core_webservice_get_site_info', 'core_course_get_courses_by_field'];

describe('an LMS that is written into', () => {
  let database: TestDatabase;
  let sis: RunningSis;
  let moodle: RunningMoodle;
  let canvas: RunningCanvas;
  beforeAll(async () => {
    database = await createTestDatabase();
    sis = await startSis({ schools: ['lindenhof'] });
    shrinkSchool(sis.data('lindenhof'), 12);
    moodle = await startMoodle();
    canvas = await startCanvas({ redirectUris: ['http://localhost:3000/oauth/canvas/callback'] });
  });
  afterAll(async () => {
    await Promise.all([sis.close(), moodle.close(), canvas.close()]);
    await database.drop();
  });

  /** Runs the queued sync of the SIS as the job does. */
  async function sync(scene: Scene, systemId: string): Promise<void> {
    const { schoolId } = scene;
    const [queued] = await database.admin<{ id: string }[]>`
      select id from sync_run where system_id = ${systemId} and state = 'queued'`;
    const web = await scene.job();
    const work = createSyncWork(
      { web: () => web, sync: () => ({ ...web, database: database.sync }) },
      {
        withSession,
        onSyncSucceeded: async (ctx, outcome) => {
          await onSyncSucceeded(ctx, outcome);
          await requestPushesAfterSync(ctx, outcome);
        },
        onSyncFailed,
        onSyncHeld,
      },
    );
    const run = { schoolId, systemId, syncRunId: queued?.id ?? '', runId: newId() };
    const begun = await work.begin(run);
    if (begun.kind !== 'fetch') throw new Error(begun.kind);
    const held = { ...run, fence: begun.fence };
    for (const collection of begun.toFetch.collections) {
      let at: Slice = { cursor: null, page: 0, waitSeconds: null };
      do at = await work.fetchSlice(held, { collection, cursor: at.cursor, page: at.page, since: null });
      while (at.cursor !== null);
    }
    await work.announce(run, await work.apply(held, begun.toFetch));
  }

  /** A school with an LMS whose courses the marketplace may read, and nothing else yet. */
  async function withLms(product: 'moodle' | 'canvas', baseUrl: string, clock: Clock = fixedClock(testNow)) {
    const scene = await makeScene(database, clock);
    const { schoolId } = scene;
    const { agentId } = scene.agent;
    const { systemId: lmsId } = await addSystem({
      ctx: await scene.as('technical-contact'),
      input: { schoolId, kind: 'lms', product, name: 'Our LMS', settings: { baseUrl } },
    });
    const ctx = await scene.as('agent');
    const { requestId, connectionId: coursesId } = await draftRequest({
      ctx,
      input: { schoolId, agentId, systemId: lmsId, scopes: [{ scope: 'lms.courses' }], purpose: 'Courses and ids' },
    });
    await sendRequest({ ctx, input: { schoolId, agentId, requestId } });
    await approve(scene, requestId);
    const technical = await scene.as('technical-contact');
    const administrator = await scene.as('school-administrator');
    return { scene, schoolId, lmsId, coursesId, technical, administrator };
  }
  type AtSchool = Awaited<ReturnType<typeof withLms>>;

  /** The SIS is proved, and its approver lets the LMS be written into. */
  async function approvePushed({ scene, schoolId, lmsId, administrator, technical }: AtSchool) {
    const entry = sisEntry(sis);
    const sisId = await addSis(scene, entry.settings);
    const { requestId, connectionId } = await draftRequest({
      ctx: administrator,
      input: { schoolId, systemId: sisId, consumerSystemId: lmsId, way: 'push', scopes, purpose: 'A course each' },
    });
    await sendRequest({ ctx: administrator, input: { schoolId, requestId } });
    await approve(scene, requestId);
    await enterCredential({ ctx: technical, input: { schoolId, systemId: sisId, secret: entry.secret } });
    return { sisId, connectionId };
  }

  /** Tries what was asked to be tried for a system, as the job does. */
  async function tryAsJob({ scene, schoolId, lmsId }: AtSchool): Promise<number> {
    const asked = await database.admin<{ credential: string }[]>`
      select data ->> 'credentialId' as credential from outbox
       where name = 'credential/entered' and data ->> 'systemId' = ${lmsId}`;
    const job = await scene.job();
    const work = createConnectionWork(() => job);
    for (const { credential } of asked) {
      await work.tryCredential({ schoolId, systemId: lmsId, credentialId: credential, runId: newId() });
    }
    return asked.length;
  }

  const tokenFor = (functions?: readonly string[]) => {
    const service =
      functions === undefined
        ? moodle.services.byShortname('crosswalk')
        : moodle.services.create({ name: 'Narrow', shortname: `narrow-${newId()}`, functions: [...functions] });
    const user = [...moodle.model.users.values()].find(({ username }) => username === 'moodle-service');
    if (service === undefined || user === undefined) throw new Error('the sandbox has no service');
    return moodle.services.issue(service.id, user.id).token;
  };
  const enterToken = ({ technical, schoolId, lmsId }: AtSchool, token: string) =>
    enterCredential({ ctx: technical, input: { schoolId, systemId: lmsId, secret: { token } } });
  const heldOf = (systemId: string) =>
    database.admin<{ id: string; state: string }[]>`
      select id, state from credential where system_id = ${systemId} and destroyed_at is null`;
  const chosen = {
    usernamePattern: '{given}.{family}',
    emailHost: 'school.invalid',
    courses: 'group',
    leavers: 'suspend',
    guardLeaving: 0.1,
    guardChanged: 0.75,
  } as const;
  const lastPush = async (connectionId: string) => {
    const [row] = await database.admin<{ id: string; state: string }[]>`
      select id, state from push_run where connection_id = ${connectionId} order by id desc limit 1`;
    return row ?? null;
  };
  /** Runs a push as the job does. */
  async function push({ scene, lmsId }: AtSchool, of: { sisId: string; connectionId: string }, pushRunId: string) {
    const web = await scene.job();
    const school = { ...scene.school, lmsId, ...of };
    return runPush({ web, sync: { ...web, database: database.sync } }, portsAs(web), school, { pushRunId });
  }
  async function sayYes({ administrator, schoolId }: AtSchool, pushRunId: string) {
    const { held } = await pushDetail({ ctx: administrator, input: { schoolId, pushRunId } });
    await approvePush({ ctx: administrator, input: { schoolId, pushRunId, mark: held?.mark ?? '' } });
  }

  /** From an LMS that may be read to one that was written into. */
  async function liveAndPushed(at: AtSchool) {
    const { scene, schoolId, lmsId, administrator } = at;
    await enterToken(at, tokenFor());
    await succeed(scene, lmsId);
    const of = await approvePushed(at);
    const { connectionId } = of;
    await tryAsJob(at);
    await sync(scene, of.sisId);
    const { signIn } = await pushPage({ ctx: administrator, input: { schoolId, connectionId } });
    const { pushRunId } = await savePushSettings({
      ctx: administrator,
      input: { schoolId, connectionId, ...chosen, signIn: signIn[0]?.id ?? '' },
    });
    const first = pushRunId ?? '';
    expect((await push(at, of, first)).outcome).toBe('held');
    await sayYes(at, first);
    expect((await push(at, of, first)).outcome).toBe('done');
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'live' });
    return of;
  }

  it('is asked for more rights where its credential was for courses alone; then pushed, live with the first push, and swept with the last edge', async () => {
    const clock = fixedClock(testNow);
    const at = await withLms('moodle', moodle.url, clock);
    const { scene, schoolId, lmsId, coursesId, technical, administrator } = at;
    await enterToken(at, tokenFor(courseFunctions));
    await succeed(scene, lmsId);
    expect(await edge(scene, coursesId)).toMatchObject({ state: 'live' });
    const setUp = async () =>
      JSON.stringify((await systemPage({ ctx: technical, input: { schoolId, systemId: lmsId } })).guide);
    expect(await setUp()).not.toContain('enrol_manual_enrol_users');

    const of = await approvePushed(at);
    const { sisId, connectionId } = of;
    expect(await setUp()).toContain('enrol_manual_enrol_users');
    expect(await tryAsJob(at)).toBe(1);
    await sync(scene, sisId);
    expect(await edge(scene, connectionId)).toMatchObject({
      state: 'connecting',
      turn: 'technical-contact',
      cause: 'lms-credential-too-narrow',
    });
    expect(await mailsTo(scene, scene.school.people['technical-contact'].email)).toContain('lms-access-wanted');
    const waiting = (await inbox({ ctx: technical, input: { schoolId } })).items;
    expect(waiting).toContainEqual(
      expect.objectContaining({ next: 'widen-lms-credential', system: { id: lmsId, name: 'Our LMS', kind: 'lms' } }),
    );
    // The courses go on, with the credential that was good enough for them.
    expect(await edge(scene, coursesId)).toMatchObject({ state: 'live', cause: 'in-sync' });
    expect(await heldOf(lmsId)).toMatchObject([{ state: 'proved' }]);
    // Nothing is pushed, and the page says why.
    const page = () => pushPage({ ctx: administrator, input: { schoolId, connectionId } });
    const signIn = (await page()).signIn[0]?.id ?? '';
    expect(
      await savePushSettings({ ctx: administrator, input: { schoolId, connectionId, ...chosen, signIn } }),
    ).toEqual({ pushRunId: null });
    expect(await page()).toMatchObject({ lmsCredential: 'too-narrow', runs: [] });
    await expect(requestPush({ ctx: administrator, input: { schoolId, connectionId } })).rejects.toMatchObject({
      code: 'push-not-permitted',
    });

    const wide = await enterToken(at, tokenFor());
    expect(wide.proof?.results.map(({ scope, ok }) => [scope, ok])).toEqual([
      ['lms.courses', true],
      ['lms.people', true],
      ['lms.roster.write', true],
    ]);
    expect(await edge(scene, connectionId)).toMatchObject({
      state: 'connecting',
      turn: 'school-administrator',
      cause: 'push-awaited',
    });
    // What would be written has come: it is counted, though nothing has flowed into the LMS.
    const awaited = await connectionPage({ ctx: administrator, input: { schoolId, connectionId } });
    expect(awaited.edge.lastReceivedAt).toBeNull();
    expect(awaited.edge.flows.every(({ precision, count }) => precision === 'exact' && (count ?? 0) > 0)).toBe(true);
    const { pushRunId } = await requestPush({ ctx: administrator, input: { schoolId, connectionId } });
    expect((await push(at, of, pushRunId)).outcome).toBe('held');
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'push-held' });
    expect(await mailsTo(scene, scene.school.people['school-administrator'].email)).toContain('push-held');
    // A sync of the SIS brings no connection to life that waits for its first push.
    await requestSync({ ctx: administrator, input: { schoolId, systemId: sisId } });
    await sync(scene, sisId);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'push-held' });
    await sayYes(at, pushRunId);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'push-follows' });
    expect((await push(at, of, pushRunId)).outcome).toBe('done');
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'live', cause: 'in-sync', turn: 'nobody' });
    const shown = await connectionPage({ ctx: administrator, input: { schoolId, connectionId } });
    expect(shown.edge).toMatchObject({ way: 'push', lastReceivedAt: new Date(testNow) });
    expect([...moodle.model.users.values()].some(({ idnumber }) => idnumber !== '')).toBe(true);

    // The courses' edge ends, and a day passes: the push is served still.
    await revokeConnection({ ctx: administrator, input: { schoolId, connectionId: coursesId } });
    clock.advance(25 * 60 * 60 * 1000);
    expect(await sweepSystem(await scene.job(), schoolId, lmsId)).toBe(0);
    expect(await heldOf(lmsId)).toHaveLength(1);
    // Its end takes the credentials of both sides.
    const ending = await choosePushEnding({ ctx: administrator, input: { schoolId, connectionId, ending: 'leave' } });
    expect((await push(at, of, ending.pushRunId)).outcome).toBe('done');
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'revoked', cause: 'ended-by-school' });
    expect([await heldOf(lmsId), await heldOf(sisId)]).toEqual([[], []]);
    const kept = await receipts({ ctx: administrator, input: { schoolId } });
    expect(kept.map(({ kind, reason }) => `${kind} ${reason}`)).toContain('credential-destroyed last-connection-ended');
  });

  it('keeps a credential that a push alone is served by, and loses it at once when the school ends that', async () => {
    const clock = fixedClock(testNow);
    const at = await withLms('moodle', moodle.url, clock);
    const { scene, schoolId, lmsId, coursesId, administrator } = at;
    await revokeConnection({ ctx: administrator, input: { schoolId, connectionId: coursesId } });
    const { connectionId } = await approvePushed(at);
    // What the marketplace reads is not asked for where it has no edge.
    const { proof } = await enterToken(at, tokenFor());
    expect(proof?.results.map(({ scope }) => scope)).toEqual(['lms.people', 'lms.roster.write']);
    clock.advance(25 * 60 * 60 * 1000);
    expect(await sweepSystem(await scene.job(), schoolId, lmsId)).toBe(0);
    await revokeConnection({ ctx: administrator, input: { schoolId, connectionId } });
    expect(await heldOf(lmsId)).toEqual([]);
  });

  it('stops being pushed when it takes a right back, says so, and goes on by itself once that is mended', async () => {
    const at = await withLms('moodle', moodle.url);
    const { scene, schoolId, lmsId, coursesId, technical, administrator } = at;
    const of = await liveAndPushed(at);
    const { sisId, connectionId } = of;

    const { pushRunId } = await requestPush({ ctx: administrator, input: { schoolId, connectionId } });
    const users = [...moodle.model.users.values()];
    const service = users.find(({ username }) => username === 'moodle-service');
    if (service === undefined) throw new Error('the sandbox has no service account');
    service.mayWrite = false;
    expect((await push(at, of, pushRunId)).outcome).toBe('failed');
    expect(await edge(scene, connectionId)).toMatchObject({
      state: 'failing',
      turn: 'technical-contact',
      cause: 'lms-credential-too-narrow',
    });
    // The next sync asks for no push that cannot be done; the courses' edge is not touched.
    await requestSync({ ctx: administrator, input: { schoolId, systemId: sisId } });
    await sync(scene, sisId);
    expect(await lastPush(connectionId)).toMatchObject({ id: pushRunId, state: 'failed' });
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'failing', cause: 'lms-credential-too-narrow' });
    expect(await edge(scene, coursesId)).toMatchObject({ state: 'live' });

    service.mayWrite = true;
    expect(await testCredential({ ctx: technical, input: { schoolId, systemId: lmsId } })).toMatchObject({
      outcome: 'proved',
    });
    expect(await edge(scene, connectionId)).toMatchObject({
      state: 'failing',
      cause: 'push-follows',
      turn: 'crosswalk',
    });
    const next = await lastPush(connectionId);
    expect(next).toMatchObject({ state: 'queued' });
    expect((await push(at, of, next?.id ?? '')).outcome).toBe('done');
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'live', cause: 'in-sync' });
  });

  it('is not written into at another address before the approver has agreed to it', async () => {
    const elsewhere = await startMoodle();
    const stood = elsewhere.model.users.size;
    try {
      const at = await withLms('moodle', moodle.url);
      const { scene, schoolId, lmsId, technical, administrator } = at;
      const of = await liveAndPushed(at);
      const { sisId, connectionId } = of;

      const moveTo = (baseUrl: string) =>
        enterAddress({ ctx: technical, input: { schoolId, systemId: lmsId, settings: { baseUrl } } });
      expect(await moveTo(elsewhere.url)).toMatchObject({ change: 'origin' });
      expect(await edge(scene, connectionId)).toMatchObject({
        state: 'failing',
        cause: 'host-changed',
        turn: 'approver',
      });
      const shown = await connectionPage({ ctx: administrator, input: { schoolId, connectionId } });
      expect(shown.edge.about).toMatchObject({ id: lmsId });
      expect(await mailsTo(scene, scene.school.people.approver.email)).toContain('address-changed');
      // A token of the new place opens nothing by itself, nor does a sync of the SIS.
      const service = elsewhere.services.byShortname('crosswalk');
      const user = [...elsewhere.model.users.values()].find(({ username }) => username === 'moodle-service');
      if (service === undefined || user === undefined) throw new Error('the sandbox has no service');
      await enterToken(at, elsewhere.services.issue(service.id, user.id).token);
      const refused = { code: 'host-not-approved' };
      await expect(requestPush({ ctx: administrator, input: { schoolId, connectionId } })).rejects.toMatchObject(
        refused,
      );
      const use = { schoolId, systemId: lmsId, connectionId, pushRunId: newId() };
      await expect(withPush(await scene.job(), use, async () => null)).rejects.toMatchObject(refused);
      expect(elsewhere.model.users.size).toBe(stood);

      const [asked] = await database.admin<{ id: string; origins: string[] }[]>`
        select id, consumer_origins as origins from request where connection_id = ${connectionId} and state = 'requested'`;
      expect(asked?.origins).toEqual([new URL(elsewhere.url).origin]);
      await approve(scene, asked?.id ?? '');
      await sync(scene, sisId);
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'failing', cause: 'push-follows' });

      // Back again: asked again, and what was asked meanwhile is void.
      await moveTo(moodle.url);
      expect(await edge(scene, connectionId)).toMatchObject({ cause: 'host-changed' });
      await moveTo(elsewhere.url);
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'failing', cause: 'sync-follows' });
      // Declined, and brought back to where it was.
      await moveTo(moodle.url);
      const [again] = await database.admin<{ id: string }[]>`
        select id from request where connection_id = ${connectionId} and state = 'requested'`;
      const approver = await scene.as('approver');
      const requestId = again?.id ?? '';
      const { fingerprint } = await decisionPage({ ctx: approver, input: { schoolId, requestId } });
      await declineRequest({
        ctx: approver,
        input: { schoolId, requestId, fingerprint, reason: 'Not there' },
      });
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'failing', cause: 'host-not-accepted' });
      await moveTo(elsewhere.url);
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'failing', cause: 'sync-follows' });
      const open = await database.admin`
        select 1 from request where connection_id = ${connectionId} and state in ('draft', 'requested')`;
      expect(open).toHaveLength(0);
    } finally {
      await elsewhere.close();
    }
  });

  it('is asked at Canvas’s consent for what a push needs, once that is approved and not before', async () => {
    const at = await withLms('canvas', canvas.url);
    const { scene, schoolId, lmsId, coursesId, technical } = at;
    const secret = { clientId: canvas.demoKey.id, clientSecret: canvas.demoKey.secret };
    await enterCredential({ ctx: technical, input: { schoolId, systemId: lmsId, secret } });
    const consent = async () => {
      const { url } = await startConsent({ ctx: technical, input: { schoolId, systemId: lmsId } });
      const answer = await consentAtCanvas(canvas, url);
      const finished = await finishConsent({
        ctx: technical,
        input: { state: answer.get('state') ?? '', code: answer.get('code') ?? undefined },
      });
      const proved = finished.kind === 'tried' ? finished.trial.proof?.results : [];
      return {
        asked: new URL(url).searchParams.get('scope')?.split(' ') ?? [],
        proved: proved?.filter(({ ok }) => ok).map(({ scope }) => scope),
      };
    };
    const imports = 'url:POST|/api/v1/accounts/:account_id/sis_imports';
    const before = await consent();
    expect([before.asked.includes(imports), before.proved]).toEqual([false, ['lms.courses']]);
    await succeed(scene, lmsId);

    const { sisId, connectionId } = await approvePushed(at);
    expect(await tryAsJob(at)).toBe(1);
    await sync(scene, sisId);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'lms-credential-too-narrow' });
    expect(await edge(scene, coursesId)).toMatchObject({ state: 'live' });
    const after = await consent();
    expect([after.asked.includes(imports), after.proved]).toEqual([
      true,
      ['lms.courses', 'lms.people', 'lms.roster.write'],
    ]);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'push-awaited' });
    expect(await heldOf(lmsId)).toMatchObject([{ state: 'proved' }]);
  });
});
