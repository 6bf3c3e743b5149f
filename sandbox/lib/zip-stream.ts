/** A zip as a stream: entries are made, deflated (in zlib's own thread) and framed one after the other, never held. */

import { pipeline, Readable } from 'node:stream';
import { crc32, createDeflateRaw } from 'node:zlib';
import type { ZipInputFile } from 'fflate';
import { Zip } from 'fflate';

export type ZipEntry = { name: string; chunks: Iterable<Uint8Array> };

export type ZipOptions = {
  /** Deflate level; 1 (the default) is what a large package can afford. */
  level?: number;
  /** Moment that the entries bear, so that the same content gives the same bytes. */
  modified?: Date;
};

/** zip64 is not written: neither an entry nor the archive may be larger. */
const LARGEST = 0xffff_ffff;

/**
 * The bytes of a zip of these entries, in this order.
 * @throws RangeError where an entry or the archive would need zip64
 */
export async function* zipStream(entries: Iterable<ZipEntry>, options: ZipOptions = {}): AsyncGenerator<Uint8Array> {
  const { level = 1, modified = new Date(2026, 7, 15) } = options;
  let ready: Uint8Array[] = [];
  let total = 0;
  const zip = new Zip((error, chunk) => {
    if (error !== null) throw error;
    total += chunk.length;
    ready.push(chunk);
  });
  const taken = (): Uint8Array[] => {
    if (total > LARGEST) throw new RangeError('the archive is larger than a zip without zip64 can be');
    const chunks = ready;
    ready = [];
    return chunks;
  };
  for (const { name, chunks } of entries) {
    const input: ZipInputFile = { filename: name, size: 0, crc: 0, compression: 8, mtime: modified };
    zip.add(input);
    const counted = function* (): Generator<Uint8Array> {
      for (const chunk of chunks) {
        input.crc = crc32(chunk, input.crc);
        input.size += chunk.length;
        if (input.size > LARGEST) throw new RangeError(`${name} is larger than a zip without zip64 can hold`);
        yield chunk;
      }
    };
    const deflate = createDeflateRaw({ level, chunkSize: 128 * 1024 });
    // An error of the source destroys the deflater with it, which ends the loop below by throwing it.
    pipeline(Readable.from(counted()), deflate, () => undefined);
    for await (const piece of deflate) {
      input.ondata?.(null, piece, false);
      yield* taken();
    }
    input.ondata?.(null, new Uint8Array(0), true);
    yield* taken();
  }
  zip.end();
  yield* taken();
}
