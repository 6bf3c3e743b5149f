import { and, eq, isNull, sql } from 'drizzle-orm';
import { streamChoice } from '#db/schema/index.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import type { Work } from '#server/kernel/verb.ts';

interface OfSystem {
  readonly schoolId: string;
  readonly systemId: string;
}
type Chosen = Partial<Pick<typeof streamChoice.$inferInsert, 'name' | 'programme' | 'level' | 'year' | 'mergedInto'>>;

/** Who acts: a choice is a person's. @throws CrosswalkError `forbidden` */
export function chooserOf({ ctx }: Pick<Work, 'ctx'>): string {
  const userId = userIdOf(ctx);
  if (userId === null) throw new CrosswalkError('forbidden');
  return userId;
}

/** Notes what the school chose for a stream; what is not named stays as it was chosen before. */
export async function writeChoice(
  work: Work,
  { schoolId, systemId }: OfSystem,
  sourceId: string,
  chosen: Chosen,
): Promise<void> {
  const by = { chosenBy: chooserOf(work), chosenAt: work.ctx.clock.now() };
  await work.tx
    .insert(streamChoice)
    .values({ schoolId, systemId, sourceId, ...chosen, ...by })
    .onConflictDoUpdate({ target: [streamChoice.systemId, streamChoice.sourceId], set: { ...chosen, ...by } });
}

/** A choice that says nothing any more is none. */
export async function dropEmptyChoices({ tx }: Work, { schoolId, systemId }: OfSystem): Promise<void> {
  await tx
    .delete(streamChoice)
    .where(
      and(
        eq(streamChoice.schoolId, schoolId),
        eq(streamChoice.systemId, systemId),
        isNull(streamChoice.name),
        isNull(streamChoice.programme),
        isNull(streamChoice.level),
        isNull(streamChoice.year),
        isNull(streamChoice.mergedInto),
        sql`not starts_with(${streamChoice.sourceId}, 'own:')`,
      ),
    );
}

/** The audit note of a change to a system's streams; its action is how the page knows that a run has yet to read it. */
export const noteOf = (what: string, systemId: string, details: Record<string, string | number | boolean | null>) => ({
  action: `streams.${what}`,
  subjectKind: 'system',
  subjectId: systemId,
  details,
});
