import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import { onAgreementEnded, onAgreementGraceEnded } from '#server/features/agreements/ports.ts';
import { createConnectionWork } from '#server/features/connections/connection-work.ts';
import { draftRequest } from '#server/features/connections/draft-request.ts';
import { enterCredential } from '#server/features/connections/enter-credential.ts';
import { sendRequest } from '#server/features/connections/send-request.ts';
import {
  addSis,
  approve,
  askFor,
  edge,
  goLive,
  makeScene,
  sisEntry,
} from '#server/features/connections/testing/school-with-sis.ts';
import { systemClock } from '#server/kernel/clock.ts';
import { newId } from '#server/kernel/ids.ts';
import { silentLogger } from '#server/kernel/log.ts';
import { runWork } from '#server/kernel/verb.ts';
import { jobContext } from '#server/testing/actors.ts';
import { embeddedTarget } from '../fixtures/worker-process.ts';
import { startWorker, type Worker } from '../start-worker.ts';
import { connectionChanged } from './connection-changed.ts';
import { connectionCredential } from './connection-credential.ts';
import { connectionRound } from './connection-round.ts';

const { keys } = embeddedTarget();

describe('the jobs of connections', () => {
  let database: TestDatabase;
  let worker: Worker;
  let sis: RunningSis;
  beforeAll(async () => {
    database = await createTestDatabase();
    sis = await startSis({ schools: ['lindenhof'] });
    const context = await jobContext(database, 'connections', { clock: systemClock });
    const connections = createConnectionWork(() => context);
    worker = await startWorker({
      databaseUrl: database.syncUrl,
      keys,
      logger: silentLogger,
      port: 0,
      functions: (client) => [
        connectionChanged(client, { connections }),
        connectionCredential(client, { connections }),
        connectionRound(client, { connections }),
      ],
      executor: { retryBackOff: { baseMs: 20, maxMs: 100 } },
    });
  });
  afterAll(async () => {
    await worker?.stop(1_000);
    await sis?.close();
    await database?.drop();
  });
  const comes = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 50 });

  it('destroy the credential that connections leave behind when their agreement’s grace is over', async () => {
    const scene = await makeScene(database, systemClock);
    const { systemId, connectionId } = await goLive(scene, sis);
    const { schoolId, agreementId } = scene;
    await database.admin`update agreement set state = 'ended' where id = ${agreementId}`;
    const ctx = await scene.job();
    for (const tell of [onAgreementEnded, onAgreementGraceEnded]) {
      await runWork(ctx, { schoolId }, (work) => tell({ work, schoolId, agreementId, graceEndsOn: null }));
    }
    await comes(async () => {
      const rows = await database.admin`select state, sealed from credential where system_id = ${systemId}`;
      expect(rows).toMatchObject([{ state: 'destroyed', sealed: null }]);
    });
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'expired' });
  });

  it('try a proved credential for what was approved besides, and nobody is asked for another', async () => {
    const scene = await makeScene(database, systemClock);
    const { schoolId } = scene;
    const { agentId } = scene.agent;
    const { settings, secret } = sisEntry(sis);
    const systemId = await addSis(scene, settings);
    const { requestId, connectionId } = await draftRequest({
      ctx: await scene.as('agent'),
      input: { schoolId, agentId, systemId, scopes: [{ scope: 'roster.subjects' }], purpose: 'Subjects to begin with' },
    });
    await sendRequest({ ctx: await scene.as('agent-administrator'), input: { schoolId, agentId, requestId } });
    await approve(scene, requestId);
    await enterCredential({ ctx: await scene.as('technical-contact'), input: { schoolId, systemId, secret } });
    const wider = await askFor(scene, systemId);
    await approve(scene, wider.requestId);
    await comes(async () => {
      expect(await edge(scene, connectionId)).toMatchObject({ state: 'connecting', cause: 'first-sync' });
    });
  });

  it('visit every school that has something to tend, one after the other', async () => {
    const scene = await makeScene(database, systemClock);
    await goLive(scene, sis);
    const context = await jobContext(database, 'connections', { clock: systemClock });
    const work = createConnectionWork(() => context);
    const runId = newId();
    const schoolIds = await work.schools({ runId });
    expect(schoolIds).toContain(scene.schoolId);
    expect(await work.tend({ schoolIds, runId })).toMatchObject({ expired: 0, lapsed: 0, destroyed: 0 });
    await expect(work.tend({ schoolIds: [newId(), ...schoolIds], runId })).rejects.toMatchObject({ code: 'not-found' });
  });
});
