import { and, eq } from 'drizzle-orm';
import { rosterUpload, rosterUploadChunk } from '#db/schema/index.ts';
import type { Context } from '#server/kernel/context.ts';

/** Forgets a package that no run will read. */
export async function dropPackage(
  ctx: Context,
  { schoolId, uploadId }: { readonly schoolId: string; readonly uploadId: string },
): Promise<void> {
  await ctx.database.withSchool(schoolId, async (tx) => {
    await tx
      .update(rosterUpload)
      .set({ state: 'refused', finishedAt: ctx.clock.now() })
      .where(and(eq(rosterUpload.schoolId, schoolId), eq(rosterUpload.id, uploadId)));
    await tx
      .delete(rosterUploadChunk)
      .where(and(eq(rosterUploadChunk.schoolId, schoolId), eq(rosterUploadChunk.uploadId, uploadId)));
  });
}
