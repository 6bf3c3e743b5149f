import { lt, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import { schoolRegistration } from '#db/schema/index.ts';
import type { Context } from '#server/kernel/context.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { processAgreementDates } from './process-agreement-dates.ts';

/** The steps of the agreements' job: ids and counts in and out. */
export interface AgreementWork {
  /** Schools one of whose agreements has something to do today, in the school's own time zone. */
  dueSchools(acting: { readonly runId: string }): Promise<string[]>;
  processDates(school: {
    readonly schoolId: string;
    readonly runId: string;
  }): Promise<{ ended: number; reminded: number }>;
  /** Removes registrations of schools that ran out or were used a day ago, with the names and addresses in them. */
  sweepRegistrations(acting: { readonly runId: string }): Promise<number>;
}

const rowsSchema = z.array(z.object({ id: idSchema }));
const day = 86_400_000;

/** @param contextOf a job's context as the web role, acting as this run */
export function createAgreementWork(contextOf: (runId: string) => Context): AgreementWork {
  return {
    dueSchools: async ({ runId }) => {
      const { database, clock } = contextOf(runId);
      const rows = await database.withoutSchool((tx) =>
        tx.execute(
          sql`select school_id as id from across.schools_with_agreements_due(${clock.now().toISOString()}::timestamptz)`,
        ),
      );
      return rowsSchema.parse(rows).map(({ id }) => id);
    },
    processDates: async ({ schoolId, runId }) => {
      const { ended, reminded } = await processAgreementDates({ ctx: contextOf(runId), input: { schoolId } });
      return { ended, reminded };
    },
    sweepRegistrations: async ({ runId }) => {
      const { database, clock } = contextOf(runId);
      const now = clock.now();
      const gone = await database.withoutSchool((tx) =>
        tx
          .delete(schoolRegistration)
          .where(
            or(lt(schoolRegistration.expiresAt, now), lt(schoolRegistration.usedAt, new Date(now.getTime() - day))),
          )
          .returning({ id: schoolRegistration.id }),
      );
      return gone.length;
    },
  };
}
