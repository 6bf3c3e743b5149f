import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process as it is remembered in a file: its number and what tells it from a later process with the same number. */
export interface RecordedProcess {
  readonly pid: number;
  readonly mark: string;
}

/**
 * When a living process began, in a form that another process under the same number does not have; null where none lives
 * (one that ended and was not waited for counts as dead).
 */
export function processMark(pid: number): string | null {
  if (!Number.isInteger(pid) || pid <= 1) return null;
  return process.platform === 'linux' ? markFromProc(pid) : markFromPs(pid);
}

function markFromProc(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the name stands in brackets and may hold anything; state is the 3rd field, the start in ticks the 22nd.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return null;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19] ?? ''}`;
  } catch {
    // The folder goes with its process.
    return null;
  }
}

function markFromPs(pid: number): string | null {
  try {
    const text = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return text === '' || text.startsWith('Z') ? null : text.slice(text.indexOf(' ')).trim();
  } catch {
    // ps ends with 1 where there is no such process.
    return null;
  }
}

export function recordOf(pid: number): RecordedProcess | null {
  const mark = processMark(pid);
  return mark === null ? null : { pid, mark };
}

export const isAlive = (recorded: RecordedProcess) => processMark(recorded.pid) === recorded.mark;

/** Ends a process and its group: asked first, killed after `graceMs`. Returns once it is gone. */
export async function endGroup(recorded: RecordedProcess, graceMs: number): Promise<void> {
  const send = (signal: NodeJS.Signals) => {
    if (!isAlive(recorded)) return;
    for (const target of [-recorded.pid, recorded.pid]) {
      try {
        process.kill(target, signal);
        return;
      } catch (error) {
        // No group of that number: the process itself. Gone meanwhile: what was wanted.
        if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
      }
    }
  };
  send('SIGTERM');
  const patience = Date.now() + graceMs;
  while (isAlive(recorded) && Date.now() < patience) await new Promise((done) => setTimeout(done, 25));
  send('SIGKILL');
  while (isAlive(recorded)) await new Promise((done) => setTimeout(done, 25));
}
