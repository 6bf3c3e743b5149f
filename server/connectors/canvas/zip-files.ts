import { pipeline, Readable } from 'node:stream';
import { crc32, createDeflateRaw } from 'node:zlib';
import { Zip, type ZipInputFile } from 'fflate';
import { CrosswalkError } from '#server/kernel/errors.ts';

export interface FileToZip {
  readonly name: string;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** zip64 is not written: neither a file nor the zip may be larger. */
const largest = 0xffff_ffff;

/** The bytes of a zip of these files, made while they are read: one after the other, none held. */
export async function* zipFiles(files: AsyncIterable<FileToZip>): AsyncGenerator<Uint8Array> {
  let ready: Uint8Array[] = [];
  let total = 0;
  const zip = new Zip((error, chunk) => {
    if (error !== null) throw error;
    total += chunk.length;
    ready.push(chunk);
  });
  const taken = (): readonly Uint8Array[] => {
    if (total > largest) throw new CrosswalkError('internal', { details: { problem: 'package-too-large' } });
    const chunks = ready;
    ready = [];
    return chunks;
  };
  for await (const { name, chunks } of files) {
    const input: ZipInputFile = { filename: name, size: 0, crc: 0, compression: 8 };
    zip.add(input);
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) {
        input.crc = crc32(chunk, input.crc);
        input.size += chunk.length;
        yield chunk;
      }
    };
    // The lightest level: Canvas refuses a zip that grows a hundredfold, and rosters repeat themselves.
    const deflate = createDeflateRaw({ level: 1 });
    // An error of the source ends the loop below by throwing it.
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
