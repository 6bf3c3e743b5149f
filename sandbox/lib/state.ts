import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ZodType } from 'zod';

/** What a program remembers across restarts. `save` is called after every change of `value`. */
export type Store<T> = { value: T; save(): void };

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/**
 * State in one JSON file, replaced whole so that a kill leaves the old or the new one. Without a file it lives in memory.
 * A file of another shape is refused rather than overwritten.
 */
export function openStore<T>(file: string | undefined, schema: ZodType<T>, initial: () => T): Store<T> {
  if (file === undefined) return { value: initial(), save: () => undefined };
  let value: T;
  try {
    value = schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (!isMissing(error))
      throw new Error(`${file} is not this program's state; move it away to start anew`, { cause: error });
    value = initial();
  }
  const store: Store<T> = {
    value,
    save: () => {
      mkdirSync(dirname(file), { recursive: true });
      const draft = `${file}.${process.pid}.new`;
      writeFileSync(draft, JSON.stringify(store.value, null, 2), { mode: 0o600 });
      renameSync(draft, file);
    },
  };
  store.save();
  return store;
}
