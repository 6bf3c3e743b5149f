import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Bytes that lie outside the memory until they were sent. */
export interface Spool extends AsyncDisposable {
  readonly bytes: number;
  write(chunk: Uint8Array): Promise<void>;
  /** From the start, as often as it is asked for. */
  read(): AsyncGenerator<Uint8Array>;
}

const chunkSize = 64 * 1024;

/**
 * A file that only this process reads: it names people, so its name is taken out of the folder as soon as it is open. A killed process leaves
 * nothing that could be opened.
 */
export async function openSpool(): Promise<Spool> {
  const path = join(tmpdir(), `crosswalk-push-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await rm(path, { force: true });
  let bytes = 0;
  return {
    get bytes() {
      return bytes;
    },
    write: async (chunk) => {
      await file.writev([chunk], bytes);
      bytes += chunk.length;
    },
    read: async function* () {
      for (let at = 0; at < bytes; ) {
        const buffer = new Uint8Array(Math.min(chunkSize, bytes - at));
        const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
        if (bytesRead === 0) return;
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}
