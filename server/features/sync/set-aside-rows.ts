import { and, asc, eq, gt, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { setAsideRecord } from '#db/schema/index.ts';
import { isAboutPeople } from '#server/features/roster-browser/who-sees-people.ts';
import { idSchema } from '#server/kernel/ids.ts';

/** Which of a run's set-aside records. */
export const setAsideFields = {
  schoolId: idSchema,
  syncRunId: idSchema,
  collection: z.string().max(50).optional(),
  reason: z.string().max(100).optional(),
} as const;

interface Asked {
  readonly schoolId: string;
  readonly syncRunId: string;
  readonly collection?: string | undefined;
  readonly reason?: string | undefined;
}

/**
 * Records that could not be read, in the order in which they were found. The id of one that is about somebody is for whoever sees people;
 * file, line and field are for everybody who may have to put it right.
 */
export async function readSetAside(
  tx: Tx,
  asked: Asked,
  { seesPeople, limit, after }: { seesPeople: boolean; limit: number; after?: string | undefined },
) {
  const conditions: (SQL | undefined)[] = [
    eq(setAsideRecord.schoolId, asked.schoolId),
    eq(setAsideRecord.syncRunId, asked.syncRunId),
    asked.collection === undefined ? undefined : eq(setAsideRecord.collection, asked.collection),
    asked.reason === undefined ? undefined : eq(setAsideRecord.reason, asked.reason),
    after === undefined ? undefined : gt(setAsideRecord.id, after),
  ];
  const rows = await tx
    .select({
      id: setAsideRecord.id,
      collection: setAsideRecord.collection,
      sourceId: setAsideRecord.sourceId,
      file: setAsideRecord.file,
      line: setAsideRecord.line,
      field: setAsideRecord.field,
      reason: setAsideRecord.reason,
    })
    .from(setAsideRecord)
    .where(and(...conditions))
    .orderBy(asc(setAsideRecord.id))
    .limit(limit);
  return rows.map((row) => (seesPeople || !isAboutPeople(row.collection) ? row : { ...row, sourceId: null }));
}
