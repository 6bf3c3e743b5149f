import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { and, eq, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { syncProgress, syncRun, system } from '#db/schema/index.ts';
import { registers } from '#db/schema/vocabulary.ts';
import { translate } from '#messages/translate.ts';
import { handInPackage } from '#server/features/packages/hand-in.ts';
import { viewOf } from '#server/features/sync/run-view.ts';
import type { Context } from '#server/kernel/context.ts';
import { isCrosswalkError, type SafeDetails } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { Refused } from './refused.ts';

interface Import {
  /** An id, or a number in any register. */
  readonly school: string;
  readonly systemId: string;
  readonly file: string;
}

interface Follow {
  readonly say: (line: string) => void;
  /** Waits for the next look. */
  readonly pause: () => Promise<void>;
  /** Looks without a worker taking the run up before it is left to itself. */
  readonly mostLooksQueued: number;
}

export const usage =
  'npm run roster:import -- --school <id or register number> --system <id> <file.zip>   (both ids stand on the pages of the system)';

/** What stands on the command line. @throws Refused with the usage */
export function readArguments(args: readonly string[]): Import {
  let school: string | undefined;
  let systemId: string | undefined;
  const files: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const [name = '', inline] = (args[at] ?? '').split(/=(.*)/s);
    if (name === '--school' || name === '--system') {
      const value = inline ?? args[++at];
      if (name === '--school') school = value;
      else systemId = value;
    } else files.push(args[at] ?? '');
  }
  const [file] = files;
  if (school === undefined || systemId === undefined || file === undefined || files.length > 1)
    throw new Refused(`Say which school, which system and which file:\n  ${usage}`);
  return { school, systemId, file };
}

/**
 * Hands a package in and follows the run that reads it. @returns whether what is in it is in the roster now; false where it is held or waits
 * @throws Refused with a sentence for whatever a person must change
 */
export async function importRoster(ctx: Context, given: Import, follow: Follow): Promise<boolean> {
  const { say } = follow;
  const schoolId = await findSchool(ctx, given.school);
  const systemId = await findSystem(ctx, schoolId, given.systemId);
  const found = await stat(given.file).catch(() => null);
  if (found === null || !found.isFile()) throw new Refused(`There is no file ${given.file}.`);
  try {
    const taken = await handInPackage({
      ctx,
      input: { schoolId, systemId, fileName: basename(given.file), bytes: createReadStream(given.file) },
    });
    const files = taken.files.filter(({ state }) => state === 'readable').map(({ name, mode }) => `${name} (${mode})`);
    say(`Handed in: OneRoster CSV ${taken.version}, ${taken.bytes} bytes: ${files.join(', ')}.`);
    for (const { code, ...place } of taken.problems) say(`  ${sentence(code, place)}`);
    if (taken.syncRunId === null) {
      say('Nothing is granted on this system yet: the package waits for the approval, a day at most.');
      return false;
    }
    return await followRun(ctx, { schoolId, systemId, syncRunId: taken.syncRunId }, follow);
  } catch (error) {
    if (isCrosswalkError(error) && error.http < 500) throw new Refused(sentence(error.code, error.details));
    throw error;
  }
}

function sentence(code: string, details: SafeDetails): string {
  const values: Record<string, string | number> = { file: 'none', line: 'none', column: 'none', found: 'none' };
  for (const [name, value] of Object.entries(details)) {
    if (typeof value === 'string' || typeof value === 'number') values[name] = value;
  }
  try {
    return translate('en', `errors.${code}`, values);
  } catch {
    // A sentence that wants more than the error tells.
    return `Refused: ${code}.`;
  }
}

const idsSchema = z.array(z.object({ id: idSchema }));

async function findSchool(ctx: Context, given: string): Promise<string> {
  const id = idSchema.safeParse(given);
  if (id.success) return id.data;
  const found = new Set<string>();
  for (const register of registers) {
    const rows = await ctx.database.withoutSchool((tx) =>
      tx.execute(sql`select id from across.schools_with_number(${register}, ${given})`),
    );
    for (const row of idsSchema.parse(rows)) found.add(row.id);
  }
  const [only, ...others] = found;
  if (only === undefined) throw new Refused(`No school here has the id or register number ${given}.`);
  if (others.length > 0) throw new Refused(`Several schools have the number ${given}: name one by its id.`);
  return only;
}

async function findSystem(ctx: Context, schoolId: string, given: string): Promise<string> {
  const id = idSchema.safeParse(given);
  const rows = id.success
    ? await ctx.database.withSchool(schoolId, (tx) =>
        tx
          .select({ id: system.id })
          .from(system)
          .where(and(eq(system.schoolId, schoolId), eq(system.id, id.data), isNull(system.removedAt))),
      )
    : [];
  if (rows[0] === undefined)
    throw new Refused('This school has no system of that id. It stands in the address of the system’s page.');
  return rows[0].id;
}

interface Run {
  readonly schoolId: string;
  readonly systemId: string;
  readonly syncRunId: string;
}

/** Says each phase once and each step of a long one, until the run ends. */
async function followRun(ctx: Context, run: Run, { say, pause, mostLooksQueued }: Follow): Promise<boolean> {
  const at = `${ctx.baseUrl}/school/${run.schoolId}/systems/${run.systemId}/packages`;
  let last = '';
  for (let looks = 0; ; looks++) {
    const { row, told } = await ctx.database.withSchool(run.schoolId, async (tx) => ({
      row: (await tx.select().from(syncRun).where(eq(syncRun.id, run.syncRunId)))[0],
      told: (await tx.select().from(syncProgress).where(eq(syncProgress.syncRunId, run.syncRunId)))[0],
    }));
    if (row === undefined) throw new Refused('The run is gone: the system was removed meanwhile.');
    const view = viewOf(row, ctx.clock.now(), told);
    switch (view.state) {
      case 'succeeded': {
        for (const { collection, ...counts } of view.counts) {
          const { added, returned, changed, gone, unchanged, setAside } = counts;
          say(
            `  ${collection}: ${(added ?? 0) + (returned ?? 0)} new, ${changed ?? 0} changed, ${gone ?? 0} gone, ${unchanged ?? 0} as before, ${setAside ?? 0} left out`,
          );
        }
        say(`Read. ${at}`);
        return true;
      }
      case 'held':
        say(`Held: it would change unusually much, so nothing has changed yet. Look at it and decide: ${at}`);
        return false;
      case 'failed': {
        const details = z.record(z.string(), z.union([z.string(), z.number()]).catch('')).safeParse(view.errorDetails);
        throw new Refused(sentence(view.errorCode ?? 'internal', details.success ? details.data : {}));
      }
      case 'discarded':
        throw new Refused('The run was ended by a newer one or by somebody of the school.');
      case 'queued':
        if (looks >= mostLooksQueued) {
          say(`It waits for a worker: it is read as soon as Crosswalk runs, within a day. ${at}`);
          return false;
        }
        break;
      case 'running': {
        const { live, phase } = view;
        const line = [
          phase,
          live?.collection,
          live === null ? null : `${live.done}${live.total === null ? '' : ` of ${live.total}`}`,
        ]
          .filter((word) => word != null)
          .join(' · ');
        if (line !== last) say(line);
        last = line;
        break;
      }
    }
    await pause();
  }
}
