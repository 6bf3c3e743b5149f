import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Context } from '#server/kernel/context.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { runWork } from '#server/kernel/verb.ts';
import { dropOldPackages } from '#server/roster/receive-package.ts';
import { type Looked, lookIntoFolder } from './look-into-folder.ts';

/** The steps of the jobs about packages: ids and counts in and out. */
export interface PackagesWork {
  /** Asks for a look into every folder that may be read now. @returns how many */
  requestLooks(acting: { readonly runId: string }): Promise<number>;
  look(of: { readonly schoolId: string; readonly systemId: string; readonly runId: string }): Promise<Looked>;
  /** Forgets packages older than a day, at every school that has some. @returns how many */
  dropOld(acting: { readonly runId: string }): Promise<number>;
}

const foldersSchema = z.array(z.object({ school_id: idSchema, system_id: idSchema }));
const schoolsSchema = z.array(z.object({ id: idSchema }));

/** @param contextOf a job's context as the web role, acting as this run */
export function createPackagesWork(contextOf: (runId: string) => Context): PackagesWork {
  return {
    requestLooks: async ({ runId }) => {
      const ctx = contextOf(runId);
      const rows = await ctx.database.withoutSchool((tx) =>
        tx.execute(
          sql`select school_id, system_id from across.folders_to_look_into(${ctx.clock.now().toISOString()}::timestamptz)`,
        ),
      );
      const folders = foldersSchema.parse(rows);
      for (const { school_id: schoolId, system_id: systemId } of folders) {
        await runWork(ctx, { schoolId }, ({ emit }) => emit('packages/look-requested', { schoolId, systemId }));
      }
      return folders.length;
    },
    look: ({ runId, ...of }) => lookIntoFolder(contextOf(runId), of),
    dropOld: async ({ runId }) => {
      const ctx = contextOf(runId);
      const rows = await ctx.database.withoutSchool((tx) =>
        tx.execute(sql`select s as id from across.schools_with_packages() s order by s`),
      );
      let dropped = 0;
      for (const { id } of schoolsSchema.parse(rows)) dropped += await dropOldPackages(ctx, id);
      return dropped;
    },
  };
}
