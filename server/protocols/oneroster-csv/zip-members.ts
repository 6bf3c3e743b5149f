import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import { type Entry, fromFdPromise, type ZipFile } from 'yauzl';
import { CrosswalkError } from '#server/kernel/errors.ts';

/** What a zip may be at most. Declared sizes are checked when it is opened; what is inflated is counted and may never exceed them. */
export interface ZipLimits {
  readonly members: number;
  readonly memberBytes: number;
  readonly totalBytes: number;
  /** Uncompressed to compressed, of members above 16 MiB. Rosters reach about 40; Deflate ends at 1,032. */
  readonly ratio: number;
}

const gibibyte = 1_073_741_824;
export const defaultZipLimits: ZipLimits = {
  members: 200,
  memberBytes: 16 * gibibyte,
  totalBytes: 32 * gibibyte,
  ratio: 250,
};
const ratioCountsFrom = 16_777_216;
const packedChunk = 65_536;
const inflatedChunk = 131_072;

export interface ZipMember {
  /** Without its folder. */
  readonly name: string;
  readonly folder: string;
  /** Uncompressed, as declared; more is never read. */
  readonly bytes: number;
}

/** A zip whose table of contents has been read and found harmless. */
export interface OpenZip {
  /** Files only, without what operating systems leave behind. */
  readonly members: readonly ZipMember[];
  /** Inflates a member. Ends without an error only if its size and CRC are right (`package-damaged`). */
  read(member: ZipMember): AsyncGenerator<Buffer, void, undefined>;
  /** The first bytes of a member: at least `bytes` of them, or all. */
  peek(member: ZipMember, bytes: number): Promise<{ readonly head: Buffer; readonly isAll: boolean }>;
  /**
   * SHA-256 over the names of all members and their bytes as they are packed, in base64url: the same for two zips with the same members, whatever
   * their dates and order. The same content packed otherwise has another.
   */
  mark(): Promise<string>;
  close(): Promise<void>;
}

/** Opens a zip for reading member by member; nothing is unpacked to disk. Refuses with the `package-…` codes. */
export async function openZip(path: string, limits: ZipLimits = defaultZipLimits): Promise<OpenZip> {
  const file = await open(path, 'r');
  try {
    const zip = await readDirectory(file.fd, await beginsLikeZip(file));
    const entries = await readEntries(zip, limits);
    const { size } = await file.stat();
    return openedZip(zip, entries, size, file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function beginsLikeZip(file: FileHandle): Promise<boolean> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
  // A local file header, or the end of an empty zip (APPNOTE.TXT 4.3.7, 4.3.16).
  return bytesRead === 4 && [0x04034b50, 0x06054b50].includes(buffer.readUInt32LE(0));
}

async function readDirectory(fd: number, isZip: boolean): Promise<ZipFile> {
  if (!isZip) throw new CrosswalkError('package-not-zip');
  try {
    return await fromFdPromise(fd, { autoClose: false, decodeStrings: false, validateEntrySizes: false });
  } catch (cause) {
    // It begins as a zip, and the record at its end is not there.
    throw hasCode(cause) ? cause : new CrosswalkError('package-cut-short', { cause });
  }
}

/** Errors of the system, of Node and of zlib have a code, yauzl's have none: those say that the zip is not in order. */
const hasCode = (error: unknown): error is Error & { code: string } =>
  error instanceof Error && 'code' in error && typeof error.code === 'string';

const damaged = (file: string, cause?: unknown) => new CrosswalkError('package-damaged', { details: { file }, cause });
const tooLarge = (limit: string, file = 'none') =>
  new CrosswalkError('package-too-large', { details: { limit, file } });

const inWords = (bytes: number) => (bytes >= gibibyte ? `${Math.round(bytes / gibibyte)} GiB` : `${bytes} bytes`);

interface Listed {
  readonly member: ZipMember;
  readonly entry: Entry;
}

async function readEntries(zip: ZipFile, limits: ZipLimits): Promise<Listed[]> {
  if (zip.entryCount > limits.members) throw tooLarge(`${limits.members} members`);
  const listed: Listed[] = [];
  const names = new Set<string>();
  let total = 0;
  try {
    for await (const entry of zip.eachEntry()) {
      const path = checkedPath(entry, zip.entriesRead);
      if (path.endsWith('/') || isLeftover(path)) continue;
      const folder = path.slice(0, path.lastIndexOf('/') + 1);
      const name = path.slice(folder.length);
      const shown = shownName(name);
      if (names.has(path.toLowerCase())) throw new CrosswalkError('package-name-twice', { details: { file: shown } });
      names.add(path.toLowerCase());
      if (entry.isEncrypted()) throw new CrosswalkError('package-encrypted', { details: { file: shown } });
      if (!entry.canDecodeFileData()) {
        throw new CrosswalkError('package-compression-unknown', { details: { file: shown } });
      }
      const bytes = entry.uncompressedSize;
      total += bytes;
      if (bytes > limits.memberBytes) throw tooLarge(inWords(limits.memberBytes), shown);
      if (total > limits.totalBytes) throw tooLarge(inWords(limits.totalBytes));
      if (bytes > ratioCountsFrom && bytes > entry.compressedSize * limits.ratio) {
        throw tooLarge(`${limits.ratio} : 1`, shown);
      }
      listed.push({ member: { name, folder, bytes }, entry });
    }
  } catch (error) {
    throw hasCode(error) ? error : damaged('none', error);
  }
  return listed;
}

/** The name of an entry, if it leads nowhere but into the zip. */
function checkedPath(entry: Entry, number: number): string {
  const isUtf8 = (entry.generalPurposeBitFlag & 0x800) !== 0;
  const path = entry.fileNameRaw.toString(isUtf8 ? 'utf8' : 'latin1');
  const isUnsafe =
    path === '' ||
    path.length > 250 ||
    path.includes('\\') ||
    path.startsWith('/') ||
    /^[a-z]:/i.test(path) ||
    path.split('/').includes('..') ||
    unprintable.test(path);
  if (isUnsafe) throw new CrosswalkError('package-name-unsafe', { details: { number } });
  return path;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffd]/;

/** Names are shown to people: no longer than a line. */
const shownName = (name: string) => (name.length > 80 ? `${name.slice(0, 79)}…` : name);

/** What macOS and Windows put beside the files. */
const isLeftover = (path: string) =>
  /^__MACOSX\//.test(path) || /(^|\/)(\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini)$/i.test(path);

function openedZip(zip: ZipFile, listed: readonly Listed[], size: number, handle: FileHandle): OpenZip {
  refuseOverlaps(listed, size);
  const listings = new Map(listed.map((listing) => [listing.member, listing]));

  async function* read(member: ZipMember): AsyncGenerator<Buffer, void, undefined> {
    const listing = listings.get(member);
    if (listing === undefined) throw new CrosswalkError('internal', { details: { expected: 'a member of this zip' } });
    const { entry } = listing;
    const file = shownName(member.name);
    let count = 0;
    let crc = 0;
    try {
      const packed = packedBytes(zip, listing, handle);
      const stream = entry.compressionMethod === 0 ? packed : inflated(packed);
      for await (const chunk of stream) {
        if (!Buffer.isBuffer(chunk)) throw damaged(file);
        count += chunk.length;
        if (count > member.bytes) throw damaged(file);
        crc = crc32(chunk, crc);
        yield chunk;
      }
    } catch (error) {
      // zlib's own codes: the bytes are no Deflate, or end before it does.
      throw hasCode(error) && error.code.startsWith('Z_') ? damaged(file, error) : error;
    }
    if (count !== member.bytes || crc !== entry.crc32) throw damaged(file);
  }

  return {
    members: listed.map(({ member }) => member),
    read,
    async peek(member, bytes) {
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of read(member)) {
        chunks.push(chunk);
        length += chunk.length;
        if (length >= bytes) break;
      }
      return { head: Buffer.concat(chunks), isAll: length === member.bytes };
    },
    async mark() {
      const hash = createHash('sha256');
      for (const listing of listed.toSorted((one, other) => (pathOf(one) < pathOf(other) ? -1 : 1))) {
        const { compressedSize, compressionMethod } = listing.entry;
        hash.update(JSON.stringify([pathOf(listing), listing.member.bytes, compressionMethod, compressedSize]));
        for await (const chunk of packedBytes(zip, listing, handle)) hash.update(chunk);
      }
      return hash.digest('base64url');
    },
    close: () => handle.close(),
  };
}

const pathOf = ({ member }: Listed) => member.folder + member.name;

/**
 * The bytes of a member as they stand in the file. Read here, not by yauzl's stream nor by the handle's: when `peek` leaves it before its
 * end, the one may still have a read in its queue that throws where nobody can catch it, the other closes the handle.
 */
async function* packedBytes(zip: ZipFile, { entry, member }: Listed, handle: FileHandle): AsyncGenerator<Buffer> {
  const header = await zip.readLocalFileHeaderPromise(entry, { minimal: true }).catch((error: unknown) => {
    throw hasCode(error) ? error : damaged(shownName(member.name), error);
  });
  const end = header.fileDataStart + entry.compressedSize;
  for (let at = header.fileDataStart; at < end; ) {
    const length = Math.min(packedChunk, end - at);
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead === 0) throw damaged(shownName(member.name));
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Errors of either stream end the other and come out of the iteration of the second. */
const inflated = (packed: AsyncIterable<Buffer>) =>
  pipeline(
    Readable.from(packed, { objectMode: false }),
    createInflateRaw({ chunkSize: inflatedChunk }),
    () => undefined,
  );

/** Members that share their bytes make a small zip unpack to anything (a bomb without nesting). */
function refuseOverlaps(listed: readonly Listed[], size: number): void {
  const byPlace = listed.toSorted(
    (one, other) => one.entry.relativeOffsetOfLocalHeader - other.entry.relativeOffsetOfLocalHeader,
  );
  for (const [index, { entry, member }] of byPlace.entries()) {
    const end = entry.relativeOffsetOfLocalHeader + 30 + entry.fileNameLength + entry.compressedSize;
    if (end > (byPlace[index + 1]?.entry.relativeOffsetOfLocalHeader ?? size)) throw damaged(shownName(member.name));
  }
}
