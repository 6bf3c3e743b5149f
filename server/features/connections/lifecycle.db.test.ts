import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import { onAgreementEnded, onAgreementGraceEnded, onAgreementInForce } from '#server/features/agreements/ports.ts';
import { actorOfLink } from '#server/features/people/actor-of-link.ts';
import { requestSync } from '#server/features/sync/request-sync.ts';
import { enterAddress } from '#server/features/systems/enter-address.ts';
import { removeSystem } from '#server/features/systems/remove-system.ts';
import { setUpPage } from '#server/features/systems/system-page.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { openJson } from '#server/kernel/sealed.ts';
import { runWork } from '#server/kernel/verb.ts';
import { contextOf, testNow } from '#server/testing/actors.ts';
import { approveRequest } from './approve-request.ts';
import { createConnectionWork } from './connection-work.ts';
import { decisionPage } from './decision-page.ts';
import { enterCredential } from './enter-credential.ts';
import { narrowGrant } from './narrow-grant.ts';
import { pauseConnection } from './pause-connection.ts';
import { receipts } from './receipts.ts';
import { renewals, renewConnections } from './renew-connections.ts';
import { resumeConnection } from './resume-connection.ts';
import { revokeConnection } from './revoke-connection.ts';
import { sendToTechnicalContact } from './send-to-technical-contact.ts';
import { releaseEverything, stopEverything } from './stop-everything.ts';
import { onSyncFailed, onSyncHeld } from './sync-outcome.ts';
import { tendConnections } from './tend-connections.ts';
import { testCredential } from './test-credential.ts';
import {
  addSis,
  approve,
  askFor,
  edge,
  goLive,
  mailsTo,
  makeScene,
  type Scene,
  sisEntry,
  succeed,
} from './testing/school-with-sis.ts';
import { withSession } from './use-credential.ts';

const day = 86_400_000;

describe('a connection that lives', () => {
  let database: TestDatabase;
  let sis: RunningSis;
  let clock: ReturnType<typeof fixedClock>;
  beforeAll(async () => {
    database = await createTestDatabase();
    sis = await startSis({ schools: ['lindenhof', 'waterkant'] });
  });
  afterAll(async () => {
    await sis.close();
    await database.drop();
  });
  beforeEach(() => {
    clock = fixedClock(testNow);
  });

  async function live() {
    const scene = await makeScene(database, clock);
    const made = await goLive(scene, sis);
    return { scene, schoolId: scene.schoolId, ...made };
  }
  const run = async (scene: Scene, systemId: string) =>
    withSession(
      await scene.job(),
      { schoolId: scene.schoolId, systemId, purpose: 'sync', syncRunId: newId() },
      async () => 'read',
    );
  const fail = async (scene: Scene, systemId: string, error: CrosswalkError) =>
    onSyncFailed(await scene.job(), { schoolId: scene.schoolId, systemId, syncRunId: newId(), error, at: clock.now() });
  const credentials = (systemId: string) =>
    database.admin<{ state: string; sealed: unknown }[]>`
      select state, sealed from credential where system_id = ${systemId} order by id`;

  describe('failing', () => {
    it('names cause, turn and next step when the SIS refuses, and is live again by itself', async () => {
      const { scene, systemId, connectionId } = await live();
      await fail(scene, systemId, new CrosswalkError('credential-refused'));
      expect(await edge(scene, connectionId)).toMatchObject({
        state: 'failing',
        turn: 'technical-contact',
        cause: 'credential-refused',
      });
      expect(await mailsTo(scene, scene.school.people['technical-contact'].email)).toContain('connection-failing');
      expect(await mailsTo(scene, scene.school.people['school-administrator'].email)).toContain('connection-failing');
      // Mended over there: the next run uses the same secret again.
      await expect(run(scene, systemId)).resolves.toBe('read');
      await succeed(scene, systemId);
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'live', turn: 'nobody', cause: 'in-sync' });
      expect(await credentials(systemId)).toMatchObject([{ state: 'proved' }]);
    });

    it('mails once however often it fails for the same cause', async () => {
      const { scene, systemId } = await live();
      for (const _ of [1, 2, 3]) await fail(scene, systemId, new CrosswalkError('credential-refused'));
      const mails = await mailsTo(scene, scene.school.people['technical-contact'].email);
      expect(mails.filter((template) => template === 'connection-failing')).toHaveLength(1);
    });

    it('is Crosswalk’s turn when the SIS is out of reach, and nobody is bothered', async () => {
      const { scene, systemId, connectionId } = await live();
      await fail(scene, systemId, new CrosswalkError('timed-out'));
      expect(await edge(scene, connectionId)).toMatchObject({ turn: 'crosswalk', cause: 'system-unreachable' });
      expect(await credentials(systemId)).toMatchObject([{ state: 'proved' }]);
      const mails = await mailsTo(scene, scene.school.people['technical-contact'].email);
      expect(mails).not.toContain('connection-failing');
    });

    it('takes it for no failure that the school itself stopped what was running', async () => {
      const { scene, systemId, connectionId } = await live();
      for (const code of ['stopped-by-school', 'grant-not-live', 'host-not-approved'] as const) {
        await fail(scene, systemId, new CrosswalkError(code));
      }
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'live', cause: 'in-sync' });
    });

    it('goes on after the technical contact has entered a new client', async () => {
      const { scene, schoolId, systemId, connectionId } = await live();
      const fresh = sis.createClient('lindenhof', {
        name: 'Crosswalk anew',
        scopes: ['https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly'],
      });
      await fail(scene, systemId, new CrosswalkError('credential-refused'));
      const ctx = await scene.as('technical-contact');
      const secret = { clientId: fresh.clientId, clientSecret: fresh.clientSecret };
      expect(await enterCredential({ ctx, input: { schoolId, systemId, secret } })).toMatchObject({
        outcome: 'proved',
      });
      expect(await edge(scene, connectionId)).toMatchObject({
        state: 'failing',
        turn: 'crosswalk',
        cause: 'sync-follows',
      });
      expect((await credentials(systemId)).map(({ state }) => state)).toEqual(['destroyed', 'proved']);
    });

    it('keeps a working credential in use while a mistyped replacement is refused', async () => {
      const { scene, schoolId, systemId, connectionId } = await live();
      const ctx = await scene.as('technical-contact');
      const secret = { clientId: 'typo', clientSecret: 'typo' };
      expect(await enterCredential({ ctx, input: { schoolId, systemId, secret } })).toMatchObject({
        outcome: 'refused',
      });
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'live', cause: 'in-sync' });
      await expect(run(scene, systemId)).resolves.toBe('read');
    });

    it('does not doubt a proved credential because the SIS was away for a moment', async () => {
      const { scene, schoolId, systemId } = await live();
      sis.faults.add({ kind: 'reset', times: 20 });
      const trial = await testCredential({ ctx: await scene.as('technical-contact'), input: { schoolId, systemId } });
      sis.faults.clear();
      expect(trial.outcome).toBe('refused');
      expect(await credentials(systemId)).toMatchObject([{ state: 'proved' }]);
    });

    it('stays live while a run waits for review, and says whose turn it is', async () => {
      const { scene, schoolId, systemId, connectionId } = await live();
      await onSyncHeld(await scene.job(), { schoolId, systemId });
      expect(await edge(scene, connectionId)).toMatchObject({
        state: 'live',
        turn: 'school-administrator',
        cause: 'sync-held',
      });
    });
  });

  describe('pausing', () => {
    it('stops reading at once, and resumes with a sync', async () => {
      const { scene, schoolId, systemId, connectionId } = await live();
      const ctx = await scene.as('approver');
      await pauseConnection({ ctx, input: { schoolId, connectionId } });
      expect(await edge(scene, connectionId)).toMatchObject({
        state: 'paused',
        paused_by: 'school',
        turn: 'school-administrator',
      });
      await expect(run(scene, systemId)).rejects.toMatchObject({ code: 'grant-not-live' });
      await expect(pauseConnection({ ctx, input: { schoolId, connectionId } })).rejects.toMatchObject({
        code: 'state-forbids',
      });
      await resumeConnection({ ctx, input: { schoolId, connectionId } });
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'live', paused_by: null });
      const queued = await database.admin`select 1 from sync_run where system_id = ${systemId} and state = 'queued'`;
      expect(queued).toHaveLength(1);
    });

    it('ends by itself at the moment that was set', async () => {
      const { scene, schoolId, connectionId } = await live();
      const ctx = await scene.as('school-administrator');
      const resumesAt = new Date(clock.now().getTime() + 3 * day);
      const past = new Date(clock.now().getTime() - 1);
      await expect(pauseConnection({ ctx, input: { schoolId, connectionId, resumesAt: past } })).rejects.toMatchObject({
        code: 'invalid-input',
      });
      await pauseConnection({ ctx, input: { schoolId, connectionId, resumesAt } });
      clock.advance(2 * day);
      expect(await tendConnections(await scene.job(), schoolId)).toMatchObject({ resumed: 0 });
      clock.advance(day);
      expect(await tendConnections(await scene.job(), schoolId)).toMatchObject({ resumed: 1 });
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'live' });
    });

    it('ignores what a run in flight reports after the pause', async () => {
      const { scene, schoolId, systemId, connectionId } = await live();
      await pauseConnection({ ctx: await scene.as('approver'), input: { schoolId, connectionId } });
      await succeed(scene, systemId);
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'paused' });
    });
  });

  describe('narrowing', () => {
    it('is the school’s at any time: a new grant, the old ended, the rest purged with a receipt', async () => {
      const { scene, schoolId, systemId, connectionId } = await live();
      await database.admin`
        insert into roster_group (id, school_id, system_id, source_id, content_hash, first_seen_at, last_seen_at, kind, title)
        values (${newId()}, ${schoolId}, ${systemId}, 'g1', 1, now(), now(), 'group', '4h wis B')`;
      const ctx = await scene.as('approver');
      await narrowGrant({ ctx, input: { schoolId, connectionId, scopes: ['roster.subjects'] } });
      const grants = await database.admin`
        select scopes, end_reason from "grant" where connection_id = ${connectionId} order by valid_from, id`;
      expect(grants).toMatchObject([{ end_reason: 'narrowed' }, { scopes: ['roster.subjects'], end_reason: null }]);
      expect(await database.admin`select 1 from roster_group where system_id = ${systemId}`).toHaveLength(0);
      const kept = await receipts({ ctx, input: { schoolId } });
      expect(kept).toMatchObject([{ kind: 'data-deleted', facts: { groups: 1, total: 1 }, reason: 'grants-narrowed' }]);
      await expect(
        narrowGrant({ ctx, input: { schoolId, connectionId, scopes: ['roster.subjects', 'roster.groups'] } }),
      ).rejects.toMatchObject({ code: 'invalid-input', details: { fields: ['scopes'] } });
      await expect(narrowGrant({ ctx, input: { schoolId, connectionId, until: '2030-01-01' } })).rejects.toMatchObject({
        code: 'invalid-input',
        details: { fields: ['until'] },
      });
    });
  });

  describe('ending', () => {
    it('revokes grant, queued work and, as the last edge, the credential, and says so in receipts', async () => {
      const { scene, schoolId, systemId, connectionId } = await live();
      const ctx = await scene.as('approver');
      await database.admin`insert into sync_run (id, school_id, system_id, trigger, state) values (${newId()}, ${schoolId}, ${systemId}, 'hand', 'queued')`;
      await database.admin`
        insert into roster_subject (id, school_id, system_id, source_id, content_hash, first_seen_at, last_seen_at, title)
        values (${newId()}, ${schoolId}, ${systemId}, 's1', 1, now(), now(), 'Mathematics')`;
      await revokeConnection({ ctx, input: { schoolId, connectionId } });
      expect(await edge(scene, connectionId)).toMatchObject({
        state: 'revoked',
        turn: 'nobody',
        ended_at: expect.any(Date),
      });
      expect(await credentials(systemId)).toMatchObject([{ state: 'destroyed', sealed: null }]);
      expect(
        await database.admin`select 1 from sync_run where system_id = ${systemId} and state = 'queued'`,
      ).toHaveLength(0);
      await expect(run(scene, systemId)).rejects.toMatchObject({ code: 'credential-not-proved' });
      const kept = await receipts({ ctx, input: { schoolId } });
      expect(kept.map(({ kind, reason }) => [kind, reason]).toSorted()).toEqual([
        ['credential-destroyed', 'last-connection-ended'],
        ['data-deleted', 'nothing-granted'],
      ]);
      const consents = await database.admin`
        select side, status from consent where connection_id = ${connectionId} order by at, id`;
      expect(consents).toMatchObject([
        { side: 'consumer', status: 'accepted' },
        { side: 'producer', status: 'accepted' },
        { side: 'producer', status: 'revoked' },
      ]);
      await expect(revokeConnection({ ctx, input: { schoolId, connectionId } })).rejects.toMatchObject({
        code: 'connection-ended',
      });
      expect(await mailsTo(scene, scene.agent.administrator.email)).toContain('connection-ended');
    });

    it('leaves nothing of a run that was being applied meanwhile', async () => {
      const { scene, schoolId, systemId, connectionId } = await live();
      const ctx = await scene.as('approver');
      await revokeConnection({ ctx, input: { schoolId, connectionId } });
      await database.admin`
        insert into roster_subject (id, school_id, system_id, source_id, content_hash, first_seen_at, last_seen_at, title)
        values (${newId()}, ${schoolId}, ${systemId}, 's1', 1, now(), now(), 'Mathematics')`;
      await succeed(scene, systemId);
      expect(await database.admin`select 1 from roster_subject where system_id = ${systemId}`).toHaveLength(0);
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'revoked' });
    });

    it('is not an agent’s, a signatory’s or a technical contact’s to do', async () => {
      const { scene, schoolId, connectionId } = await live();
      for (const who of ['agent-administrator', 'signatory', 'technical-contact'] as const) {
        const ctx = await scene.as(who);
        await expect(revokeConnection({ ctx, input: { schoolId, connectionId } })).rejects.toMatchObject({
          code: 'forbidden',
        });
      }
    });

    it('comes with the end of the term, in the school’s time zone, after reminders at 90, 30 and 7 days', async () => {
      const { scene, schoolId, systemId, connectionId } = await live();
      const tend = async () => tendConnections(await scene.job(), schoolId);
      const at = async (moment: string) => {
        clock.set(moment);
        return tend();
      };
      expect(await at('2026-07-01T12:00:00Z')).toMatchObject({ reminded: 0 });
      expect(await at('2026-07-02T12:00:00Z')).toMatchObject({ reminded: 1 });
      expect(await tend()).toMatchObject({ reminded: 0 });
      expect(await at('2026-08-31T12:00:00Z')).toMatchObject({ reminded: 1 });
      expect(await at('2026-09-24T12:00:00Z')).toMatchObject({ reminded: 1 });
      expect(await at('2026-09-30T21:59:00Z')).toMatchObject({ reminded: 0, expired: 0 });
      expect(await at('2026-09-30T22:00:00Z')).toMatchObject({ expired: 1, destroyed: 1 });
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'expired', cause: 'term-ended' });
      expect(await credentials(systemId)).toMatchObject([{ state: 'destroyed', sealed: null }]);
      const mails = await mailsTo(scene, scene.school.people.approver.email);
      expect(mails.filter((template) => template === 'grant-ends-soon')).toHaveLength(3);
    });

    it('takes a removed system’s connections, credential and links along', async () => {
      const { scene, schoolId, systemId, connectionId } = await live();
      await removeSystem({ ctx: await scene.as('school-administrator'), input: { schoolId, systemId } });
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'revoked', cause: 'system-removed' });
      expect(await credentials(systemId)).toMatchObject([{ state: 'destroyed', sealed: null }]);
      await expect(
        testCredential({ ctx: await scene.as('technical-contact'), input: { schoolId, systemId } }),
      ).rejects.toMatchObject({ code: 'not-found' });
    });
  });

  describe('renewing', () => {
    it('renews several unchanged in one decision, with both consents, or none of them', async () => {
      const scene = await makeScene(database, clock);
      const one = await goLive(scene, sis);
      const two = await goLive(scene, sis, 'waterkant');
      const { schoolId } = scene;
      const ctx = await scene.as('approver');
      const offered = await renewals({ ctx, input: { schoolId } });
      expect(offered.map(({ proposedUntil }) => proposedUntil)).toEqual(['2027-09-30', '2027-09-30']);
      const items = offered.map(({ connectionId, fingerprint }) => ({ connectionId, fingerprint }));
      await narrowGrant({ ctx, input: { schoolId, connectionId: two.connectionId, scopes: ['roster.subjects'] } });
      await expect(renewConnections({ ctx, input: { schoolId, items, until: '2027-09-30' } })).rejects.toMatchObject({
        code: 'changed-meanwhile',
        details: { connectionId: two.connectionId },
      });
      const again = await renewals({ ctx, input: { schoolId } });
      expect(again.map(({ until }) => until)).toEqual(['2026-09-30', '2026-09-30']);
      await renewConnections({
        ctx,
        input: {
          schoolId,
          items: again.map(({ connectionId, fingerprint }) => ({ connectionId, fingerprint })),
          until: '2027-09-30',
        },
      });
      const renewed = await renewals({ ctx, input: { schoolId } });
      expect(renewed.map(({ until }) => until)).toEqual(['2027-09-30', '2027-09-30']);
      expect(await edge(scene, one.connectionId)).toMatchObject({ state: 'live' });
      const twice = await database.admin`
        select side from consent c join request r on r.id = c.request_id
         where r.kind = 'renew' and r.connection_id = ${one.connectionId} order by side`;
      expect(twice.map(({ side }) => side)).toEqual(['consumer', 'producer']);
    });
  });

  describe('stopping everything', () => {
    it('pauses all, refuses every use and decision, and releases to where things stood', async () => {
      const { scene, schoolId, systemId, connectionId } = await live();
      const waiting = await addSis(scene, sisEntry(sis, 'waterkant').settings);
      const asked = await askFor(scene, waiting);
      const administrator = await scene.as('school-administrator');
      await stopEverything({ ctx: administrator, input: { schoolId } });
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'paused', cause: 'everything-stopped' });
      await expect(run(scene, systemId)).rejects.toMatchObject({ code: 'stopped-by-school' });
      const ctx = await scene.as('approver');
      const page = await decisionPage({ ctx, input: { schoolId, requestId: asked.requestId } });
      expect(page.blockedBy).toBe('stopped-by-school');
      await expect(
        approveRequest({ ctx, input: { schoolId, requestId: asked.requestId, fingerprint: page.fingerprint } }),
      ).rejects.toMatchObject({ code: 'stopped-by-school' });
      await expect(resumeConnection({ ctx, input: { schoolId, connectionId } })).rejects.toMatchObject({
        code: 'stopped-by-school',
      });
      await expect(stopEverything({ ctx: administrator, input: { schoolId } })).rejects.toMatchObject({
        code: 'state-forbids',
      });
      await expect(releaseEverything({ ctx, input: { schoolId } })).rejects.toMatchObject({ code: 'forbidden' });
      expect(await releaseEverything({ ctx: administrator, input: { schoolId } })).toEqual({ resumed: 1 });
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'live' });
      await expect(approve(scene, asked.requestId)).resolves.toBeDefined();
    });

    it('leaves what was paused before for its own reason', async () => {
      const { scene, schoolId, connectionId } = await live();
      await pauseConnection({ ctx: await scene.as('approver'), input: { schoolId, connectionId } });
      const ctx = await scene.as('school-administrator');
      await stopEverything({ ctx, input: { schoolId } });
      await releaseEverything({ ctx, input: { schoolId } });
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'paused', paused_by: 'school' });
    });
  });

  describe('when the agreement ends', () => {
    const told = async (scene: Scene, tell: typeof onAgreementEnded, state: string) => {
      await database.admin`update agreement set state = ${state} where id = ${scene.agreementId}`;
      const { schoolId, agreementId } = scene;
      const ctx = await scene.job();
      await runWork(ctx, { schoolId }, (work) => tell({ work, schoolId, agreementId, graceEndsOn: null }));
    };

    it('pauses, goes on when another comes into force, and ends after the grace', async () => {
      const { scene, schoolId, systemId, connectionId } = await live();
      const waiting = await addSis(scene, sisEntry(sis, 'waterkant').settings);
      const asked = await askFor(scene, waiting);
      await told(scene, onAgreementEnded, 'ended');
      expect(await edge(scene, connectionId)).toMatchObject({
        state: 'paused',
        turn: 'signatory',
        cause: 'agreement-ended',
      });
      expect(await edge(scene, asked.connectionId)).toMatchObject({ state: 'lapsed', cause: 'ended-with-agreement' });
      await expect(
        resumeConnection({ ctx: await scene.as('approver'), input: { schoolId, connectionId } }),
      ).rejects.toMatchObject({ code: 'agreement-not-in-force' });
      await told(scene, onAgreementInForce, 'in-force');
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'live' });
      await told(scene, onAgreementEnded, 'ended');
      await told(scene, onAgreementGraceEnded, 'ended');
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'expired', cause: 'ended-with-agreement' });
      const job = await scene.job();
      await createConnectionWork(() => job).tidy({ schoolId, connectionId, runId: newId() });
      expect(await credentials(systemId)).toMatchObject([{ state: 'destroyed', sealed: null }]);
    });

    it('pauses for the stop that is left when both hold, one after the other', async () => {
      const { scene, schoolId, connectionId } = await live();
      const ctx = await scene.as('school-administrator');
      await stopEverything({ ctx, input: { schoolId } });
      await database.admin`update agreement set state = 'ended' where id = ${scene.agreementId}`;
      await releaseEverything({ ctx, input: { schoolId } });
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'paused', paused_by: 'agreement-ended' });
    });
  });

  it('lets everybody act at once without waiting for each other in a circle', async () => {
    for (const _ of [1, 2, 3]) {
      const { scene, schoolId, systemId, connectionId } = await live();
      const second = await addSis(scene, sisEntry(sis, 'waterkant').settings);
      const asked = await askFor(scene, second);
      const { settings, secret } = sisEntry(sis);
      const [approver, technical, administrator, job] = await Promise.all([
        scene.as('approver'),
        scene.as('technical-contact'),
        scene.as('school-administrator'),
        scene.job(),
      ]);
      const page = await decisionPage({ ctx: approver, input: { schoolId, requestId: asked.requestId } });
      const outcomes = await Promise.allSettled([
        approveRequest({
          ctx: approver,
          input: { schoolId, requestId: asked.requestId, fingerprint: page.fingerprint },
        }),
        requestSync({ ctx: technical, input: { schoolId, systemId } }),
        enterCredential({ ctx: technical, input: { schoolId, systemId, secret } }),
        enterAddress({ ctx: technical, input: { schoolId, systemId, settings } }),
        pauseConnection({ ctx: approver, input: { schoolId, connectionId } }),
        resumeConnection({ ctx: administrator, input: { schoolId, connectionId } }),
        narrowGrant({ ctx: approver, input: { schoolId, connectionId, scopes: ['roster.subjects'] } }),
        stopEverything({ ctx: administrator, input: { schoolId } }),
        releaseEverything({ ctx: administrator, input: { schoolId } }),
        tendConnections(job, schoolId),
        succeed(scene, systemId),
        fail(scene, systemId, new CrosswalkError('credential-refused')),
        revokeConnection({ ctx: approver, input: { schoolId, connectionId } }),
        removeSystem({ ctx: administrator, input: { schoolId, systemId: second } }),
      ]);
      const unexplained = outcomes.flatMap((outcome) =>
        outcome.status === 'rejected' && !(outcome.reason instanceof CrosswalkError) ? [outcome.reason] : [],
      );
      expect(unexplained).toEqual([]);
    }
  });

  describe('credentials', () => {
    it('are sealed for their school, row and origin: copied elsewhere they do not open', async () => {
      const { scene, systemId, credentialId, schoolId } = await live();
      const { sealed } = (await credentials(systemId))[0] ?? { sealed: null };
      const ctx = await scene.job();
      const place = {
        table: 'credential',
        column: 'sealed',
        schoolId,
        rowId: credentialId,
        origin: `http://127.0.0.1:${sis.port}`,
      };
      const secret = z.object({ clientId: z.string() });
      expect(openJson(ctx.keyring, sealed, place, secret)).toMatchObject({ clientId: 'crosswalk-lindenhof' });
      for (const other of [{ schoolId: newId() }, { rowId: newId() }, { origin: 'https://evil.example' }]) {
        expect(() => openJson(ctx.keyring, sealed, { ...place, ...other }, secret)).toThrow(
          expect.objectContaining({ code: 'secret-unreadable' }),
        );
      }
    });

    it('are not sent to an address that somebody put into the row behind our back', async () => {
      const { scene, systemId } = await live();
      await database.admin`update system set origins = ${['http://localhost:1']} where id = ${systemId}`;
      await expect(run(scene, systemId)).rejects.toMatchObject({ code: 'host-not-approved' });
    });

    it('are destroyed after 24 hours without an approved connection', async () => {
      const scene = await makeScene(database, clock);
      const { schoolId } = scene;
      const systemId = await addSis(scene, sisEntry(sis).settings);
      const ctx = await scene.as('technical-contact');
      await enterCredential({ ctx, input: { schoolId, systemId, secret: sisEntry(sis).secret } });
      clock.advance(day - 1);
      expect(await tendConnections(await scene.job(), schoolId)).toMatchObject({ destroyed: 0 });
      clock.advance(1);
      expect(await tendConnections(await scene.job(), schoolId)).toMatchObject({ destroyed: 1 });
      const kept = await receipts({ ctx, input: { schoolId } });
      expect(kept).toMatchObject([{ kind: 'credential-destroyed', reason: 'no-approved-connection' }]);
    });

    it('leave one audit row per sync run, and every call in the log without a secret', async () => {
      const { scene, systemId, schoolId, credentialId } = await live();
      const ctx = await scene.job();
      const use = { schoolId, systemId, purpose: 'sync', syncRunId: newId() } as const;
      for (const _ of [1, 2, 3])
        await withSession(ctx, use, async (connector) => connector.preview(['roster.subjects']));
      const audited = await database.admin`
        select details ->> 'purpose' as purpose from audit_entry
         where subject_id = ${credentialId} and action = 'credential.used' order by seq`;
      expect(audited.map(({ purpose }) => purpose)).toEqual(['proof', 'sync']);
      const calls = await database.admin`select path from system_call where sync_run_id = ${use.syncRunId}`;
      expect(calls.length).toBeGreaterThanOrEqual(9);
      expect(JSON.stringify(calls)).not.toContain('secret');
    });
  });

  describe('the technical contact’s link', () => {
    async function linked() {
      const scene = await makeScene(database, clock);
      const { schoolId } = scene;
      const systemId = await addSis(scene, sisEntry(sis).settings);
      const { requestId, connectionId } = await askFor(scene, systemId);
      await approve(scene, requestId);
      const input = { schoolId, systemId, name: 'Ida at the SIS', email: 'ida@sis-host.example' };
      await sendToTechnicalContact({ ctx: await scene.as('approver'), input });
      const [stored] = await database.admin<{ id: string; sealed_parameters: unknown }[]>`
        select id, sealed_parameters from mail where template = 'technical-contact-link' and school_id = ${schoolId} order by id desc limit 1`;
      const job = await scene.job();
      const place = { table: 'mail', column: 'sealed_parameters', schoolId, rowId: stored?.id ?? '', origin: null };
      const { url } = openJson(job.keyring, stored?.sealed_parameters, place, z.object({ url: z.string() }));
      const token = url.split('/').at(-1) ?? '';
      const holder = async () => contextOf(database, await actorOfLink(database.web, token, clock.now()), { clock });
      return { scene, schoolId, systemId, connectionId, requestId, holder };
    }

    it('opens guide, entry and test, and nothing else; it has done its work when the test succeeds', async () => {
      const { scene, schoolId, systemId, connectionId, requestId, holder } = await linked();
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', turn: 'technical-contact' });
      const ctx = await holder();
      const page = await setUpPage({ ctx, input: {} });
      expect(page).toMatchObject({ holder: 'Ida at the SIS', mayEnterAddress: false, credential: null });
      expect(page.system.guide.length).toBeGreaterThan(3);
      await expect(decisionPage({ ctx, input: { schoolId, requestId } })).rejects.toMatchObject({
        code: expect.stringMatching(/forbidden|not-signed-in/),
      });
      await expect(
        enterAddress({ ctx, input: { schoolId, systemId, settings: sisEntry(sis).settings } }),
      ).rejects.toMatchObject({ code: 'forbidden' });
      const wrong = { clientId: 'x', clientSecret: 'y' };
      expect(await enterCredential({ ctx, input: { schoolId, systemId, secret: wrong } })).toMatchObject({
        outcome: 'refused',
      });
      const again = await holder();
      const { secret } = sisEntry(sis);
      expect(await enterCredential({ ctx: again, input: { schoolId, systemId, secret } })).toMatchObject({
        outcome: 'proved',
      });
      expect(await edge(scene, connectionId)).toMatchObject({ cause: 'first-sync' });
      expect((await holder()).actor.kind).toBe('anonymous');
    });

    it('is good for its own system alone', async () => {
      const { scene, schoolId, holder } = await linked();
      const other = await addSis(scene, sisEntry(sis, 'waterkant').settings);
      const { secret } = sisEntry(sis, 'waterkant');
      await expect(
        enterCredential({ ctx: await holder(), input: { schoolId, systemId: other, secret } }),
      ).rejects.toMatchObject({ code: 'not-found' });
    });

    it('ends after seven days, and when another is sent', async () => {
      const first = await linked();
      clock.advance(7 * day);
      expect((await first.holder()).actor.kind).toBe('anonymous');
      clock.set(testNow);
      const second = await linked();
      const { schoolId, systemId } = second;
      await sendToTechnicalContact({
        ctx: await second.scene.as('approver'),
        input: { schoolId, systemId, name: 'Another', email: 'another@sis-host.example' },
      });
      expect((await second.holder()).actor.kind).toBe('anonymous');
    });

    it('never goes to the agent', async () => {
      const { scene, schoolId, systemId } = await linked();
      const input = { schoolId, systemId, name: 'Agent', email: scene.agent.agent.email };
      await expect(sendToTechnicalContact({ ctx: await scene.as('approver'), input })).rejects.toMatchObject({
        code: 'conflict-of-interest',
      });
    });
  });
});
