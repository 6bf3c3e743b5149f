import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Context } from '#server/kernel/context.ts';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { tryCredentialOutsideVerb } from './prove-credential.ts';
import { type Tended, tendConnections, tidyAfterConnection } from './tend-connections.ts';

/** The steps of connections' jobs: ids and counts in and out. */
export interface ConnectionWork {
  /** Schools at which time alone may change something. */
  schools(acting: { readonly runId: string }): Promise<string[]>;
  /** Each of the schools; one that fails keeps none of the others back, and has the step tried again. */
  tend(round: { readonly schoolIds: readonly string[]; readonly runId: string }): Promise<Tended>;
  /** After a connection has changed: sweeps the credential that an ended one leaves behind. */
  tidy(changed: { readonly schoolId: string; readonly connectionId: string; readonly runId: string }): Promise<void>;
  /** Tries a credential for what is granted now; what came of it is told on the pages. */
  tryCredential(entered: {
    readonly schoolId: string;
    readonly systemId: string;
    readonly credentialId: string;
    readonly runId: string;
  }): Promise<void>;
}

const keys = ['resumed', 'lapsed', 'expired', 'reminded', 'destroyed'] as const satisfies readonly (keyof Tended)[];
const rowsSchema = z.array(z.object({ id: idSchema }));

/** @param contextOf a job's context as the web role, acting as this run */
export function createConnectionWork(contextOf: (runId: string) => Context): ConnectionWork {
  return {
    schools: async ({ runId }) => {
      const rows = await contextOf(runId).database.withoutSchool((tx) =>
        tx.execute(sql`select s as id from across.schools_with_connections() s order by s`),
      );
      return rowsSchema.parse(rows).map(({ id }) => id);
    },
    tend: async ({ schoolIds, runId }) => {
      const sum = { resumed: 0, lapsed: 0, expired: 0, reminded: 0, destroyed: 0 };
      const failures: unknown[] = [];
      for (const schoolId of schoolIds) {
        try {
          const tended = await tendConnections(contextOf(runId), schoolId);
          for (const key of keys) sum[key] += tended[key];
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
      return sum;
    },
    tryCredential: async ({ runId, ...which }) => {
      try {
        await tryCredentialOutsideVerb(contextOf(runId), which);
      } catch (error) {
        // Gone, replaced or stopped meanwhile: then there is nothing to try.
        const passed = ['not-found', 'changed-meanwhile', 'stopped-by-school', 'host-not-confirmed'];
        if (!isCrosswalkError(error) || !passed.includes(error.code)) throw error;
      }
    },
    tidy: ({ runId, ...changed }) => tidyAfterConnection(contextOf(runId), changed),
  };
}
