import { and, eq, inArray } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { rosterUpload, watchedFile } from '#db/schema/index.ts';
import { connectorById } from '#server/connectors/registry.ts';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { onSyncFailed } from '#server/features/connections/sync-outcome.ts';
import { withSession } from '#server/features/connections/use-credential.ts';
import type { Context } from '#server/kernel/context.ts';
import { type CrosswalkError, isCrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { chooseFiles, type ListedFile } from './choose-files.ts';
import { takeInPackage } from './take-in-package.ts';

export interface Looked {
  readonly handedIn: number;
  readonly refused: number;
  /** Files that may still be growing: worth another look in a minute. */
  readonly growing: number;
  /** More packages are ready: look again at once. */
  readonly more: boolean;
}

const nothing: Looked = { handedIn: 0, refused: 0, growing: 0, more: false };
/** Then there is nothing to look for, or nobody may. */
const passed = ['grant-not-live', 'stopped-by-school', 'host-not-approved', 'host-not-confirmed', 'not-found'];

/**
 * Looks into a system's folder and hands in the oldest package that is new and whole. Nothing is changed over there. A login or host key that
 * is refused takes the connection to whoever can mend it; that the server is out of reach is for the next look.
 * @throws CrosswalkError with disposition `retry`
 */
export async function lookIntoFolder(
  ctx: Context,
  { schoolId, systemId }: { readonly schoolId: string; readonly systemId: string },
): Promise<Looked> {
  try {
    const { connector, settings } = await ctx.database.withSchool(schoolId, (tx) =>
      systemInSchool(tx, schoolId, systemId),
    );
    if (connectorById(connector).wayOfPackages(settings) !== 'sftp') return nothing;
    return await withSession(ctx, { schoolId, systemId, purpose: 'sync', syncRunId: null }, async (open) => {
      await using folder = await open.openFolder();
      const listed = await folder.list();
      const { ready, growing, more } = await ctx.database.withSchool(schoolId, (tx) =>
        remember(tx, { schoolId, systemId, listed, now: ctx.clock.now() }),
      );
      if (ready === null) return { ...nothing, growing };
      const isIn = await handIn(ctx, { schoolId, systemId }, ready, () => folder.read(ready.name));
      return { handedIn: isIn ? 1 : 0, refused: isIn ? 0 : 1, growing, more };
    });
  } catch (error) {
    if (!isCrosswalkError(error)) throw error;
    if (passed.includes(error.code)) return nothing;
    if (error.disposition !== 'reconnect') throw error;
    await onSyncFailed(ctx, { schoolId, systemId, syncRunId: newId(), error, at: ctx.clock.now() });
    return nothing;
  }
}

interface Look {
  readonly schoolId: string;
  readonly systemId: string;
  readonly listed: readonly ListedFile[];
  readonly now: Date;
}

/** Writes down what was seen. @returns the file to hand in now */
async function remember(tx: Tx, { schoolId, systemId, listed, now }: Look) {
  const ofSystem = and(eq(watchedFile.schoolId, schoolId), eq(watchedFile.systemId, systemId));
  const remembered = await tx.select().from(watchedFile).where(ofSystem).for('update');
  const [before] = await tx
    .select({ id: rosterUpload.id })
    .from(rosterUpload)
    .where(and(eq(rosterUpload.schoolId, schoolId), eq(rosterUpload.systemId, systemId), eq(rosterUpload.via, 'sftp')))
    .limit(1);
  const isFirst = before === undefined && remembered.every(({ state }) => state === 'seen');
  const { ready, passedOver, growing, forgotten } = chooseFiles(listed, remembered, { now, isFirst });
  if (forgotten.length > 0) {
    await tx.delete(watchedFile).where(and(ofSystem, inArray(watchedFile.name, [...forgotten])));
  }
  for (const file of growing) {
    const before = remembered.find(({ name }) => name === file.name);
    const isSame =
      before?.state === 'seen' &&
      before.bytes === file.bytes &&
      before.modifiedAt.getTime() === file.modifiedAt.getTime();
    if (!isSame) await note(tx, { schoolId, systemId }, file, { state: 'seen', seenAt: now });
  }
  for (const file of passedOver) await note(tx, { schoolId, systemId }, file, { state: 'passed-over', seenAt: now });
  return { ready: ready[0] ?? null, growing: growing.length, more: ready.length > 1 };
}

type Noted = Pick<typeof watchedFile.$inferInsert, 'state' | 'seenAt' | 'uploadId' | 'problem'>;

async function note(
  tx: Tx,
  of: { readonly schoolId: string; readonly systemId: string },
  { name, bytes, modifiedAt }: ListedFile,
  noted: Noted,
): Promise<void> {
  const values = { uploadId: null, problem: null, ...noted, bytes, modifiedAt };
  await tx
    .insert(watchedFile)
    .values({ ...of, name, ...values })
    .onConflictDoUpdate({ target: [watchedFile.schoolId, watchedFile.systemId, watchedFile.name], set: values });
}

/** @returns whether it was taken in; what is wrong with the file itself is noted beside it, and it is not read again */
async function handIn(
  ctx: Context,
  of: { readonly schoolId: string; readonly systemId: string },
  file: ListedFile,
  read: () => AsyncIterable<Uint8Array>,
): Promise<boolean> {
  const write = (noted: Omit<Noted, 'seenAt'>) =>
    ctx.database.withSchool(of.schoolId, (tx) => note(tx, of, file, { ...noted, seenAt: ctx.clock.now() }));
  try {
    const { uploadId } = await takeInPackage(ctx, {
      ...of,
      via: 'sftp',
      fileName: file.name,
      uploadedBy: null,
      bytes: read(),
      as: 'job',
    });
    await write({ state: 'handed-in', uploadId });
    return true;
  } catch (error) {
    if (!isCrosswalkError(error) || !isOfFile(error)) throw error;
    await write({ state: 'refused', problem: { code: error.code, details: { ...error.details } } });
    return false;
  }
}

const isOfFile = ({ code, disposition }: CrosswalkError) =>
  disposition === 'abort' && (code.startsWith('package-') || code.startsWith('csv-'));
