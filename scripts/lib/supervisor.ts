import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { endGroup, type RecordedProcess, recordOf } from './process-mark.ts';

export interface ChildSpecification {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface SupervisorOptions {
  readonly say: (text: string) => void;
  /** Logs go to standard output (production), or each into its file of this folder. */
  readonly logFolder: string | null;
  /** Called whenever the set of living children has changed. */
  readonly remember: (children: readonly (RecordedProcess & { name: string })[]) => void;
}

/** How long a child may take to end by itself before it is killed. */
const graceMs = 12_000;
/** A child that lived this long counts as well again. */
const wellAfterMs = 30_000;

/**
 * Keeps child processes alive: one that stops is started again, after longer and longer pauses; all of them are stopped in the
 * opposite order in which they were started. Each has a process group of its own, so that Ctrl-C reaches us alone.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #living = new Map<string, { child: ChildProcess; record: RecordedProcess }>();
  readonly #lastWords = new Map<string, string>();
  readonly #failing = new Set<string>();
  #stopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    if (options.logFolder !== null) mkdirSync(options.logFolder, { recursive: true, mode: 0o700 });
  }

  /** The last lines of a child and of those that stop again and again, for the sentence that says what did not come up. */
  lastWords(name: string): string {
    return [...new Set([name, ...this.#failing])]
      .map(
        (one) =>
          `${one} said last:\n${(this.#lastWords.get(one) ?? '(nothing)').trim().split('\n').slice(-8).join('\n')}`,
      )
      .join('\n');
  }

  run(specification: ChildSpecification): void {
    this.#start(specification, this.#destination(specification.name), 0);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const [name, { record }] of [...this.#living].toReversed()) {
      await endGroup(record, graceMs);
      this.#living.delete(name);
    }
    this.#remember();
  }

  #destination(name: string): WriteStream | null {
    const { logFolder } = this.#options;
    if (logFolder === null) return null;
    return createWriteStream(join(logFolder, `${name.replaceAll(' ', '-')}.log`), { flags: 'w', mode: 0o600 });
  }

  #start(specification: ChildSpecification, destination: WriteStream | null, failures: number): void {
    const { name, args, env } = specification;
    const began = Date.now();
    this.#lastWords.set(name, '');
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#lastWords.set(name, `${this.#lastWords.get(name) ?? ''}${chunk.toString('utf8')}`.slice(-4_000));
        if (destination === null) process.stdout.write(chunk);
        else destination.write(chunk);
      });
    }
    const record = child.pid === undefined ? null : recordOf(child.pid);
    if (record !== null) this.#living.set(name, { child, record });
    this.#remember();
    child.once('exit', (code, signal) => {
      if (this.#stopping) return;
      this.#living.delete(name);
      this.#remember();
      const well = Date.now() - began > wellAfterMs;
      const next = well ? 0 : failures + 1;
      this.#failing.add(name);
      const seconds = Math.min(30, 2 ** Math.max(0, next - 1));
      this.#options.say(`${name} stopped (${code ?? signal ?? 'unknown'}); it is started again in ${seconds} s.`);
      setTimeout(() => {
        if (!this.#stopping) this.#start(specification, destination, next);
      }, seconds * 1_000).unref();
    });
  }

  #remember(): void {
    this.#options.remember([...this.#living].map(([name, { record }]) => ({ name, ...record })));
  }
}
