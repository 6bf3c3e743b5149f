import { createHash } from 'node:crypto';
import { and, eq, lt, sql } from 'drizzle-orm';
import { rosterUpload, rosterUploadChunk, syncRun } from '#db/schema/index.ts';
import type { uploadWays } from '#db/schema/vocabulary.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { seal } from '#server/kernel/sealed.ts';
import { runWork, type Work } from '#server/kernel/verb.ts';
import { requestRun } from './request-run.ts';
import { chunkPlace } from './stage-package.ts';

/** Bytes of a chunk before it is sealed. */
const chunkBytes = 1_048_576;
/** A metropolis takes a fifth of it. */
export const largestPackageBytes = 2 * 1024 ** 3;

export interface HandedIn {
  readonly schoolId: string;
  readonly systemId: string;
  readonly via: (typeof uploadWays)[number];
  readonly fileName: string;
  readonly uploadedBy: string | null;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * Takes a package in and requests the run that reads it. As the web role.
 * @throws as `storePackage`
 */
export async function receivePackage(
  ctx: Context,
  handedIn: HandedIn,
): Promise<{ uploadId: string; syncRunId: string; bytes: number }> {
  const { schoolId, systemId, uploadedBy: requestedBy } = handedIn;
  const { outcome, ...stored } = await storePackage(ctx, handedIn, (work, uploadId) =>
    requestRun(work, { schoolId, systemId, trigger: 'import', requestedBy, uploadId }),
  );
  return { ...stored, syncRunId: outcome.syncRunId };
}

/**
 * Takes a package in, chunk by chunk, each sealed where it rests; `then` decides what is done with it, in the transaction that makes it
 * whole. What was begun and not ended is dropped; nothing of it is left a day later. As the web role.
 * @throws CrosswalkError `package-too-large`; whatever the stream or `then` throws
 */
export async function storePackage<T extends { readonly syncRunId: string } | null>(
  ctx: Context,
  { schoolId, systemId, via, fileName, uploadedBy, bytes }: HandedIn,
  then: (work: Work, uploadId: string) => Promise<T>,
): Promise<{ uploadId: string; bytes: number; outcome: T }> {
  const inSchool = ctx.database.withSchool;
  const uploadId = newId();
  const createdAt = ctx.clock.now();
  await inSchool(schoolId, (tx) =>
    tx.insert(rosterUpload).values({
      id: uploadId,
      schoolId,
      systemId,
      via,
      fileName: fileName.slice(0, 200),
      state: 'receiving',
      uploadedBy,
      createdAt,
    }),
  );
  try {
    const hash = createHash('sha256');
    let total = 0;
    let number = 0;
    const write = async (chunk: Buffer) => {
      const sealed = Buffer.from(
        JSON.stringify(seal(ctx.keyring, chunk, chunkPlace(schoolId, uploadId, number))),
        'utf8',
      );
      await inSchool(schoolId, (tx) => tx.insert(rosterUploadChunk).values({ schoolId, uploadId, number, sealed }));
      number += 1;
    };
    let pending: Buffer[] = [];
    let pendingBytes = 0;
    for await (const part of bytes) {
      hash.update(part);
      total += part.length;
      if (total > largestPackageBytes) {
        throw new CrosswalkError('package-too-large', { details: { file: fileName, limit: largestPackageBytes } });
      }
      pending.push(Buffer.from(part));
      pendingBytes += part.length;
      while (pendingBytes >= chunkBytes) {
        const joined = Buffer.concat(pending);
        await write(joined.subarray(0, chunkBytes));
        pending = [joined.subarray(chunkBytes)];
        pendingBytes = joined.length - chunkBytes;
      }
    }
    if (pendingBytes > 0) await write(Buffer.concat(pending));
    const sha256 = hash.digest('hex');
    const outcome = await runWork(ctx, { schoolId }, async (work) => {
      const ours = and(eq(rosterUpload.id, uploadId), eq(rosterUpload.schoolId, schoolId));
      await work.tx.update(rosterUpload).set({ state: 'waiting', bytes: total, sha256 }).where(ours);
      const decided = await then(work, uploadId);
      if (decided !== null) await work.tx.update(rosterUpload).set({ syncRunId: decided.syncRunId }).where(ours);
      return decided;
    });
    return { uploadId, bytes: total, outcome };
  } catch (error) {
    await inSchool(schoolId, async (tx) => {
      await tx
        .update(rosterUpload)
        .set({ state: 'dropped', finishedAt: ctx.clock.now() })
        .where(eq(rosterUpload.id, uploadId));
      await tx.delete(rosterUploadChunk).where(eq(rosterUploadChunk.uploadId, uploadId));
    });
    throw error;
  }
}

/**
 * Packages older than a day go, read or not: people stand in them. One whose run waits for a decision, or for its yes to be carried out, stays as
 * long as that diff does: a database that crashed meanwhile has lost what was staged, and the package is read again. @returns how many
 */
export async function dropOldPackages(ctx: Context, schoolId: string): Promise<number> {
  const before = new Date(ctx.clock.now().getTime() - 86_400_000);
  const undecided = sql`(select r.upload_id from sync_run r where r.school_id = ${schoolId}::uuid and r.upload_id is not null
    and (r.state = 'held' or (r.state in ('queued', 'running') and r.approved_fingerprint is not null)))`;
  return ctx.database.withSchool(schoolId, async (tx) => {
    const old = await tx
      .update(rosterUpload)
      .set({
        state: sql`case when state in ('receiving', 'waiting') then 'dropped' else state end`,
        finishedAt: sql`coalesce(finished_at, ${ctx.clock.now().toISOString()}::timestamptz)`,
      })
      .where(
        and(
          eq(rosterUpload.schoolId, schoolId),
          lt(rosterUpload.createdAt, before),
          sql`${rosterUpload.id} not in ${undecided}`,
        ),
      )
      .returning({ id: rosterUpload.id });
    await tx.execute(sql`
      delete from roster_upload_chunk c using roster_upload u where u.id = c.upload_id and u.school_id = ${schoolId}::uuid and u.created_at < ${before.toISOString()}::timestamptz
       and u.id not in ${undecided}`);
    await tx
      .update(syncRun)
      .set({ state: 'discarded', finishedAt: ctx.clock.now() })
      .where(
        and(
          eq(syncRun.schoolId, schoolId),
          eq(syncRun.state, 'queued'),
          sql`upload_id in (select id from roster_upload where state = 'dropped')`,
        ),
      );
    return old.length;
  });
}
