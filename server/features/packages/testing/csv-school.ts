import { createReadStream } from 'node:fs';
import { onSyncFailed, onSyncHeld, onSyncSucceeded } from '#server/features/connections/sync-outcome.ts';
import { approve, askFor, type Scene } from '#server/features/connections/testing/school-with-sis.ts';
import { withSession } from '#server/features/connections/use-credential.ts';
import { createSyncWork } from '#server/features/sync/sync-work.ts';
import { addSystem } from '#server/features/systems/add-system.ts';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { handInPackage } from '../hand-in.ts';

/** A SIS that gives its data in packages, added by the school itself. */
export async function addCsvSis(scene: Scene, settings: Record<string, string> = { way: 'upload' }): Promise<string> {
  const { systemId } = await addSystem({
    ctx: await scene.as('technical-contact'),
    input: { schoolId: scene.schoolId, kind: 'sis', product: 'oneroster-csv-1.2', name: 'Registra', settings },
  });
  return systemId;
}

export async function addAndApprove(scene: Scene, settings?: Record<string, string>) {
  const systemId = await addCsvSis(scene, settings);
  const asked = await askFor(scene, systemId);
  await approve(scene, asked.requestId);
  return { systemId, ...asked };
}

/** As the upload route does it. */
export const handIn = async (
  scene: Scene,
  systemId: string,
  file: string,
  who: Parameters<Scene['as']>[0] = 'technical-contact',
) =>
  handInPackage({
    ctx: await scene.as(who),
    input: { schoolId: scene.schoolId, systemId, fileName: 'export.zip', bytes: createReadStream(file) },
  });

export async function queuedRun(scene: Scene, systemId: string): Promise<string | null> {
  const [queued] = await scene.database.admin<{ id: string }[]>`
    select id from sync_run where system_id = ${systemId} and state = 'queued' order by id limit 1`;
  return queued?.id ?? null;
}

/** Runs the queued sync of a system as the job does, one try per step. */
export async function syncQueued(scene: Scene, systemId: string): Promise<void> {
  const web = await scene.job();
  const work = createSyncWork(
    { web: () => web, sync: () => ({ ...web, database: scene.database.sync }) },
    { withSession, onSyncSucceeded, onSyncFailed, onSyncHeld },
  );
  const syncRunId = await queuedRun(scene, systemId);
  if (syncRunId === null) throw new Error('no run is queued');
  const run = { schoolId: scene.schoolId, systemId, syncRunId, runId: newId() };
  try {
    const begun = await work.begin(run);
    if (begun.kind !== 'fetch') throw new Error(begun.kind);
    const held = { ...run, fence: begun.fence };
    if (begun.toFetch.uploadId !== null) await work.stagePackage(held, begun.toFetch.uploadId);
    await work.announce(run, await work.apply(held, begun.toFetch));
  } catch (error) {
    if (!isCrosswalkError(error)) throw error;
    await work.fail({ ...run, fence: null }, error.code);
  }
}
