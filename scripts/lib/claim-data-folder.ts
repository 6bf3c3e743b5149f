import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { endGroup, isAlive, type RecordedProcess, recordOf } from './process-mark.ts';
import { Refused } from './refused.ts';

const recordedSchema = z.object({ pid: z.int(), mark: z.string() });
const childrenSchema = z.array(recordedSchema.extend({ name: z.string() }));

export interface Claim {
  /** Remembers which processes are ours, so that a start after `kill -9` can end them. */
  remember(children: readonly (RecordedProcess & { name: string })[]): void;
  release(): void;
}

const readRecord = <S extends z.ZodType>(file: string, schema: S): z.infer<S> | null => {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // Missing, or half-written by a machine that went down: as if it had never been.
    return null;
  }
};

/** The start that holds this data folder and lives; null where there is none. */
export function livingStart(dataDir: string): RecordedProcess | null {
  const holder = readRecord(join(dataDir, 'start.json'), recordedSchema);
  return holder !== null && isAlive(holder) ? holder : null;
}

/**
 * One start at a time per data folder. What a start left running that was killed is ended first, so that it blocks no port.
 * @throws Refused where another start lives.
 */
export async function claimDataFolder(dataDir: string, say: (text: string) => void): Promise<Claim> {
  const startFile = join(dataDir, 'start.json');
  const childrenFile = join(dataDir, 'processes.json');
  const self = recordOf(process.pid);
  for (let attempt = 0; ; attempt += 1) {
    try {
      writeFileSync(startFile, JSON.stringify(self), { flag: 'wx', mode: 0o600 });
      break;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST') || attempt > 3) throw error;
      const holder = livingStart(dataDir);
      if (holder !== null) {
        throw new Refused(
          `Crosswalk runs already with the data in ${dataDir} (process ${holder.pid}): stop it first, or give this one a DATA_DIR and a PORT of its own.`,
        );
      }
      rmSync(startFile, { force: true });
    }
  }
  const leftover = (readRecord(childrenFile, childrenSchema) ?? []).filter(isAlive);
  if (leftover.length > 0) {
    say(`Ending what an earlier start left running: ${leftover.map((child) => child.name).join(', ')} …`);
    await Promise.all(leftover.map((child) => endGroup(child, 5_000)));
  }
  rmSync(childrenFile, { force: true });
  return {
    remember: (children) => {
      writeFileSync(`${childrenFile}.part`, JSON.stringify(children), { mode: 0o600 });
      renameSync(`${childrenFile}.part`, childrenFile);
    },
    release: () => {
      rmSync(childrenFile, { force: true });
      rmSync(startFile, { force: true });
    },
  };
}
