import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { syncSettings } from '#db/schema/index.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import type { Work } from '#server/kernel/verb.ts';
import { type GuardRule, guardRuleSchema } from '#server/roster/guard.ts';
import { type Blackout, blackoutSchema, defaultSchedule, type FoundProblem } from './settings-rules.ts';

export interface SettingsRead {
  readonly intervalMinutes: number;
  readonly fullEveryHours: number;
  readonly blackouts: readonly Blackout[];
  /** The school's own thresholds; the defaults stand behind them. */
  readonly guardRules: readonly GuardRule[];
  readonly updatedBy: string | null;
  readonly updatedAt: Date | null;
}

/** How a system is synced, the defaults where the school chose nothing. */
export async function readSettings(
  tx: Tx,
  { schoolId, systemId }: { schoolId: string; systemId: string },
): Promise<SettingsRead> {
  const [row] = await tx
    .select()
    .from(syncSettings)
    .where(and(eq(syncSettings.schoolId, schoolId), eq(syncSettings.systemId, systemId)));
  if (row === undefined) {
    return { ...defaultSchedule, blackouts: [], guardRules: [], updatedBy: null, updatedAt: null };
  }
  return {
    intervalMinutes: row.intervalMinutes,
    fullEveryHours: row.fullEveryHours,
    blackouts: z.array(blackoutSchema).parse(row.blackouts),
    guardRules: z.array(guardRuleSchema).parse(row.guardRules),
    updatedBy: row.updatedBy,
    updatedAt: row.updatedAt,
  };
}

type Changed = Partial<Pick<typeof syncSettings.$inferInsert, 'intervalMinutes' | 'fullEveryHours' | 'blackouts'>> & {
  guardRules?: GuardRule[];
};

/** Writes one part of a system's settings; the other parts stay. */
export async function writeSettings(
  { ctx, tx }: Work,
  { schoolId, systemId }: { schoolId: string; systemId: string },
  changed: Changed,
): Promise<void> {
  const by = { updatedBy: userIdOf(ctx), updatedAt: ctx.clock.now() };
  await tx
    .insert(syncSettings)
    .values({ schoolId, systemId, ...changed, ...by })
    .onConflictDoUpdate({ target: syncSettings.systemId, set: { ...changed, ...by } });
}

/** @throws CrosswalkError `invalid-input` with the places and what is wrong there, where anything is */
export function refuseProblems(problems: readonly FoundProblem[]): void {
  if (problems.length === 0) return;
  throw new CrosswalkError('invalid-input', {
    details: {
      fields: [...new Set(problems.map(({ path }) => path))],
      problems: problems.map(({ path, problem }) => `${path}:${problem}`),
    },
  });
}
