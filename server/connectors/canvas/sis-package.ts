import type { AnyPushChange, PushEntity } from '#server/connectors/push-contract.ts';
import { type EmailOf, fileOf, headerOf, rowOf } from './sis-rows.ts';
import { openSpool, type Spool } from './spool.ts';
import { type FileToZip, zipFiles } from './zip-files.ts';

/** A push as it lies ready: all of it, and apart from that what goes. */
export interface SisPackage extends AsyncDisposable {
  readonly picture: Spool;
  /** Null where nothing goes. */
  readonly removals: Spool | null;
}

export interface PackageParts {
  readonly mark: string;
  readonly changes: AsyncIterable<AnyPushChange>;
  /** Asked for once, when the first account comes that may be given an address. */
  emailOf(): Promise<EmailOf>;
  onProgress(changes: number): Promise<void>;
}

/** Bytes of text that are compressed at once. */
const pieceSize = 64 * 1024;
/** Changes after which progress is told. */
const progressEvery = 5_000;

/**
 * Writes the changes, as they come, into one zip with a CSV for each entity, and those that take away into files of their own besides. Nothing is held but a
 * piece of text.
 */
export async function makePackage(parts: PackageParts): Promise<SisPackage> {
  const { mark } = parts;
  const removed = new Map<PushEntity, Spool>();
  const spools: Spool[] = [];
  const spool = async () => {
    const made = await openSpool();
    spools.push(made);
    return made;
  };
  const close = async (kept: readonly Spool[] = []) => {
    for (const one of spools) if (!kept.includes(one)) await one[Symbol.asyncDispose]();
  };
  let done = 0;
  let emails: EmailOf | null = null;
  const lineOf = async (change: AnyPushChange) => {
    if (emails === null && change.entity === 'user' && mayTellEmail(change)) emails = await parts.emailOf();
    return rowOf(change, mark, emails ?? (() => null));
  };
  const remove = async (entity: PushEntity, line: string) => {
    let file = removed.get(entity);
    if (file === undefined) {
      file = await spool();
      removed.set(entity, file);
      await file.write(Buffer.from(headerOf(entity)));
    }
    await file.write(Buffer.from(line));
  };
  async function* textOf(entity: PushEntity, changes: AsyncIterable<AnyPushChange>): AsyncGenerator<Uint8Array> {
    let text = headerOf(entity);
    for await (const change of changes) {
      const line = await lineOf(change);
      if (change.action === 'remove') await remove(entity, line);
      text += line;
      done += 1;
      if (done % progressEvery === 0) await parts.onProgress(done);
      if (text.length < pieceSize) continue;
      yield Buffer.from(text);
      text = '';
    }
    if (text !== '') yield Buffer.from(text);
  }
  async function* pictureFiles(): AsyncGenerator<FileToZip> {
    for await (const { entity, changes } of byEntity(parts.changes)) {
      yield { name: `${fileOf[entity]}.${mark}.csv`, chunks: textOf(entity, changes) };
    }
  }
  async function* removalFiles(): AsyncGenerator<FileToZip> {
    for (const [entity, file] of removed) yield { name: `${fileOf[entity]}.${mark}.csv`, chunks: file.read() };
  }
  try {
    const picture = await spool();
    for await (const chunk of zipFiles(pictureFiles())) await picture.write(chunk);
    let removals: Spool | null = null;
    if (removed.size > 0) {
      removals = await spool();
      for await (const chunk of zipFiles(removalFiles())) await removals.write(chunk);
    }
    await parts.onProgress(done);
    return { picture, removals, [Symbol.asyncDispose]: () => close() };
  } catch (error) {
    await close();
    throw error;
  }
}

/** An account that stands as it should has its address already. */
const mayTellEmail = (change: AnyPushChange): boolean =>
  change.entity === 'user' && change.content?.email != null && writesAnew.has(change.action);
const writesAnew: ReadonlySet<AnyPushChange['action']> = new Set(['create', 'update', 'restore']);

interface OfEntity {
  readonly entity: PushEntity;
  readonly changes: AsyncIterable<AnyPushChange>;
}

/** Parts a stream that is ordered by entity; each part is to be read to its end before the next. */
async function* byEntity(changes: AsyncIterable<AnyPushChange>): AsyncGenerator<OfEntity> {
  const iterator = changes[Symbol.asyncIterator]();
  try {
    let next = await iterator.next();
    while (next.done !== true) {
      const { entity } = next.value;
      const ofEntity = async function* (): AsyncGenerator<AnyPushChange> {
        while (next.done !== true && next.value.entity === entity) {
          yield next.value;
          next = await iterator.next();
        }
      };
      yield { entity, changes: ofEntity() };
    }
  } finally {
    await iterator.return?.();
  }
}
