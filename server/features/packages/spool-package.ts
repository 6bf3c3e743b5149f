import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { largestPackageBytes } from '#server/roster/receive-package.ts';

/** Packages that this process takes in at once: each lies on its disk until it has been looked at. */
const mostAtOnce = 4;
let atOnce = 0;

/**
 * Lays a package into a file that only this process may read, for as long as `use` takes: a zip is opened from its end, so it cannot be looked
 * at while it comes.
 * @throws CrosswalkError `package-too-large`, `rate-limited`; whatever the stream or `use` throws
 */
export async function withPackageFile<T>(
  bytes: AsyncIterable<Uint8Array>,
  use: (path: string) => Promise<T>,
): Promise<T> {
  if (atOnce >= mostAtOnce) throw new CrosswalkError('rate-limited', { retryAfterSeconds: 30 });
  atOnce += 1;
  try {
    const folder = await mkdtemp(join(tmpdir(), 'crosswalk-handed-in-'));
    try {
      const path = join(folder, 'package.zip');
      await pipeline(Readable.from(bytes), limited(), createWriteStream(path, { mode: 0o600 }));
      return await use(path);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } finally {
    atOnce -= 1;
  }
}

function limited(): Transform {
  let total = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      total += chunk.length;
      if (total <= largestPackageBytes) done(null, chunk);
      else done(new CrosswalkError('package-too-large', { details: { limit: '2 GiB' } }));
    },
  });
}
