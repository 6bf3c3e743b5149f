import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { type RunningSis, startSis } from '#sandbox/sis/server.ts';
import { requestSync } from '#server/features/sync/request-sync.ts';
import { createSyncWork } from '#server/features/sync/sync-work.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Slice } from '#server/roster/fetch-slice.ts';
import { testNow } from '#server/testing/actors.ts';
import { enterCredential } from './enter-credential.ts';
import { narrowGrant } from './narrow-grant.ts';
import { receipts } from './receipts.ts';
import { revokeConnection } from './revoke-connection.ts';
import { schoolGraph } from './school-graph.ts';
import { onSyncFailed, onSyncHeld, onSyncSucceeded } from './sync-outcome.ts';
import { addSis, approve, askFor, edge, makeScene, type Scene, sisEntry } from './testing/school-with-sis.ts';
import { withSession } from './use-credential.ts';

describe('first data, with the roster’s own stages', () => {
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

  /** Runs the queued sync of a system as the job does, one try per step. */
  async function sync(scene: Scene, systemId: string): Promise<void> {
    const [queued] = await database.admin<{ id: string }[]>`
      select id from sync_run where system_id = ${systemId} and state = 'queued'`;
    const web = await scene.job();
    const work = createSyncWork(
      { web: () => web, sync: () => ({ ...web, database: database.sync }) },
      { withSession, onSyncSucceeded, onSyncFailed, onSyncHeld },
    );
    const run = { schoolId: scene.schoolId, systemId, syncRunId: queued?.id ?? '', runId: newId() };
    const begun = await work.begin(run);
    if (begun.kind !== 'fetch') throw new Error(begun.kind);
    const held = { ...run, fence: begun.fence };
    try {
      for (const collection of begun.toFetch.collections) {
        let at: Slice = { cursor: null, page: 0, waitSeconds: null };
        do at = await work.fetchSlice(held, { collection, cursor: at.cursor, page: at.page, since: null });
        while (at.cursor !== null);
      }
      await work.announce(run, await work.apply(held, begun.toFetch));
    } catch (error) {
      if (!isCrosswalkError(error)) throw error;
      await work.fail(held, error.code);
    }
  }

  it('arrives, fails when the client is deleted over there, comes back with a new one, and goes with the last edge', async () => {
    const scene = await makeScene(database, clock);
    const { schoolId } = scene;
    const { settings } = sisEntry(sis);
    const scope = 'https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly';
    const client = sis.createClient('lindenhof', { name: 'Crosswalk', scopes: [scope] });
    const systemId = await addSis(scene, settings);
    const { requestId, connectionId } = await askFor(scene, systemId);
    await approve(scene, requestId);
    const technical = await scene.as('technical-contact');
    const enter = ({ clientId, clientSecret }: typeof client) =>
      enterCredential({ ctx: technical, input: { schoolId, systemId, secret: { clientId, clientSecret } } });
    expect(await enter(client)).toMatchObject({ outcome: 'proved' });
    sis.log.clear();
    await sync(scene, systemId);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'live', cause: 'in-sync' });
    const flows = async () =>
      (await schoolGraph({ ctx: await scene.as('signatory'), input: { schoolId } })).edges[0]?.flows.map(
        ({ scope: name, count }) => [name, (count ?? 0) > 0],
      );
    expect(await flows()).toEqual([
      ['roster.subjects', true],
      ['roster.groups', true],
      ['roster.streams', true],
    ]);
    const asked = sis.requests('lindenhof').map(({ path }) => path);
    expect(asked.filter((path) => /users|students|teachers|enrollments|demographics/.test(path))).toEqual([]);

    sis.deleteClient('lindenhof', client.clientId);
    sis.revokeTokens('lindenhof');
    await requestSync({ ctx: technical, input: { schoolId, systemId } });
    await sync(scene, systemId);
    expect(await edge(scene, connectionId)).toMatchObject({
      state: 'failing',
      turn: 'technical-contact',
      cause: 'credential-refused',
    });
    const anew = sis.createClient('lindenhof', { name: 'Crosswalk anew', scopes: [scope] });
    expect(await enter(anew)).toMatchObject({ outcome: 'proved' });
    await sync(scene, systemId);
    expect(await edge(scene, connectionId)).toMatchObject({ state: 'live', cause: 'in-sync' });

    const approver = await scene.as('approver');
    await narrowGrant({ ctx: approver, input: { schoolId, connectionId, scopes: ['roster.subjects'] } });
    expect(await flows()).toEqual([['roster.subjects', true]]);
    expect(await database.admin`select 1 from roster_group where system_id = ${systemId}`).toHaveLength(0);
    await revokeConnection({ ctx: approver, input: { schoolId, connectionId } });
    expect(await database.admin`select 1 from roster_subject where system_id = ${systemId}`).toHaveLength(0);
    const kept = await receipts({ ctx: approver, input: { schoolId } });
    expect(kept.map(({ kind, reason }) => `${kind} ${reason}`).toSorted()).toEqual([
      'credential-destroyed last-connection-ended',
      'credential-destroyed replaced',
      'data-deleted grants-narrowed',
      'data-deleted nothing-granted',
    ]);
  });
});
