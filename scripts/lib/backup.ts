import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import postgres from 'postgres';
import { z } from 'zod';
import { knownMigrations } from '#db/prepare.ts';
import { databaseRoles } from '#db/roles.ts';
import { assertDataKeyOpens } from '#server/kernel/data-keys.ts';
import type { Environment } from '#server/kernel/env.ts';
import { sentenceAboutKeyring } from './prepare-database.ts';
import { Refused } from './refused.ts';

/**
 * A whole installation in one file: gzip over lines, a JSON header, then each table as `COPY` text (a row is one line),
 * then a trailer with counts and a digest, so that a file cut short shows. No `pg_dump` is needed, and a file from one
 * PostgreSQL major version goes into another. The master key is not in it; secrets in it stay sealed.
 */
const format = 'crosswalk-backup-1';

const headerSchema = z.object({
  format: z.literal(format),
  migration: z.string(),
  createdAt: z.string(),
  auditHeads: z.string(),
});
const tableSchema = z.object({ table: z.string(), columns: z.array(z.string()) });
const trailerSchema = z.object({ end: z.literal(true), tables: z.number(), rows: z.number(), sha256: z.string() });

export interface BackupReport {
  readonly tables: number;
  readonly rows: number;
}

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
const lastMigration = () => knownMigrations().at(-1)?.tag ?? '';

const appliedRow = z.array(z.object({ last: z.coerce.number().nullable() }));

/** The migration that the database is at, which is not the newest one where this version was not started yet. */
async function appliedMigration(sql: postgres.Sql): Promise<string> {
  const [row] = appliedRow.parse(await sql`select max(created_at) as last from drizzle.__drizzle_migrations`);
  const known = knownMigrations().find(({ when }) => when === row?.last);
  if (known === undefined)
    throw new Refused(
      'The database is of a newer version of Crosswalk than this one: make the backup with that version.',
    );
  return known.tag;
}

/** Tables of `public`, parents before children. Queues are not kept: what they held is sent again from the outbox. */
async function tablesInOrder(
  sql: postgres.ReservedSql | postgres.TransactionSql,
): Promise<{ name: string; columns: string[] }[]> {
  const tables = z.array(z.object({ name: z.string(), columns: z.array(z.string()) })).parse(
    await sql`select c.relname as name, array_agg(a.attname order by a.attnum) as columns
                  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
                 where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' group by c.relname order by c.relname`,
  );
  const edges = z.array(z.object({ child: z.string(), parent: z.string() })).parse(
    await sql`select conrelid::regclass::text as child, confrelid::regclass::text as parent from pg_constraint
                 where contype = 'f' and connamespace = 'public'::regnamespace and conrelid <> confrelid`,
  );
  const plain = (name: string) => name.replaceAll('"', '');
  const waiting = new Map(tables.map((table) => [table.name, table]));
  const ordered: typeof tables = [];
  while (waiting.size > 0) {
    const free = [...waiting.values()].filter((table) =>
      edges.every((edge) => plain(edge.child) !== table.name || !waiting.has(plain(edge.parent))),
    );
    if (free.length === 0) throw new Error('The tables refer to one another in a circle, so no order restores them');
    for (const table of free) {
      waiting.delete(table.name);
      ordered.push(table);
    }
  }
  return ordered;
}

/**
 * Writes the backup beside its place and moves it there once it is whole, and notes in the database when. The file is for its
 * owner alone. Reads one snapshot, so that it may be made while everything runs.
 */
export async function writeBackup(migratorUrl: string, file: string, auditHeadsFile: string): Promise<BackupReport> {
  const sql = postgres(migratorUrl, { max: 1, onnotice: () => undefined, connection: { role: databaseRoles.owner } });
  const part = `${file}.part`;
  let report: BackupReport = { tables: 0, rows: 0 };
  try {
    rmSync(part, { force: true });
    // Before the snapshot: a head that is signed later vouches for rows that the snapshot does not have.
    const auditHeads = existsSync(auditHeadsFile) ? readFileSync(auditHeadsFile, 'utf8') : '';
    const migration = await appliedMigration(sql);
    const createdAt = new Date().toISOString();
    await sql.begin('isolation level repeatable read read only', async (tx) => {
      const tables = await tablesInOrder(tx);
      const digest = createHash('sha256');
      let rows = 0;
      async function* lines(): AsyncGenerator<Buffer> {
        const line = (value: unknown) => {
          const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
          digest.update(bytes);
          return bytes;
        };
        yield line({ format, migration, createdAt, auditHeads });
        for (const { name, columns } of tables) {
          yield line({ table: name, columns });
          const copy = await tx.unsafe(`copy ${quote(name)} (${columns.map(quote).join(', ')}) to stdout`).readable();
          for await (const chunk of copy) {
            const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
            for (const byte of bytes) if (byte === lineFeed) rows += 1;
            digest.update(bytes);
            yield bytes;
          }
          // postgres.js pauses its connection where a table's last rows fill the stream, and nobody reads on after the end: what
          // the stream would have done at its next read, or the next statement waits for ever.
          copy._read(0);
          yield Buffer.from(endOfTable);
          digest.update(endOfTable);
        }
        report = { tables: tables.length, rows };
        yield Buffer.from(
          `${JSON.stringify({ end: true, tables: tables.length, rows, sha256: digest.digest('hex') })}\n`,
        );
      }
      await pipeline(Readable.from(lines()), createGzip(), createWriteStream(part, { mode: 0o600, flush: true }));
    });
    renameSync(part, file);
    await sql`insert into installation (key, value, updated_at) values ('last-backup', ${sql.json({ at: createdAt, rows: report.rows })}, now())
              on conflict (key) do update set value = excluded.value, updated_at = excluded.updated_at`;
    return report;
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

const lineFeed = 10;
const endOfTable = '\\.\n';

/** Lines as bytes, split at the line feed alone: a name may hold U+2028, which other readers of lines take for an end. */
async function* backupLines(file: string): AsyncGenerator<Buffer> {
  const raw = createReadStream(file);
  const plain = createGunzip();
  raw.once('error', (error) => plain.destroy(error));
  raw.pipe(plain);
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of plain) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    let all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    for (let end = all.indexOf(lineFeed); end >= 0; end = all.indexOf(lineFeed)) {
      yield all.subarray(0, end + 1);
      all = all.subarray(end + 1);
    }
    rest = all;
  }
  if (rest.length > 0) yield rest;
}

/** What a backup consists of, in its order; the caller of `row` and `end` is inside the last `table`. */
type Part =
  | { readonly kind: 'header'; readonly header: z.infer<typeof headerSchema> }
  | { readonly kind: 'table'; readonly table: string; readonly columns: readonly string[] }
  | { readonly kind: 'row'; readonly bytes: Buffer }
  | { readonly kind: 'end' }
  | { readonly kind: 'trailer'; readonly trailer: z.infer<typeof trailerSchema> };

async function* backupParts(file: string): AsyncGenerator<Part & { readonly bytes: Buffer }> {
  let place: 'start' | 'between' | 'table' = 'start';
  for await (const bytes of backupLines(file)) {
    if (place === 'table') {
      if (bytes.toString('latin1') === endOfTable) {
        place = 'between';
        yield { kind: 'end', bytes };
      } else yield { kind: 'row', bytes };
      continue;
    }
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (place === 'start') {
      place = 'between';
      yield { kind: 'header', header: headerSchema.parse(value), bytes };
    } else if (trailerSchema.safeParse(value).success) {
      yield { kind: 'trailer', trailer: trailerSchema.parse(value), bytes };
    } else {
      place = 'table';
      yield { kind: 'table', ...tableSchema.parse(value), bytes };
    }
  }
}

/** Reads the whole file once and proves that it is ours, whole and unaltered, before a single row is written. */
async function checkWhole(file: string): Promise<z.infer<typeof headerSchema>> {
  const digest = createHash('sha256');
  let header: z.infer<typeof headerSchema> | null = null;
  let sha256: string | null = null;
  try {
    for await (const part of backupParts(file)) {
      if (part.kind === 'header') header = part.header;
      if (part.kind === 'trailer') sha256 = part.trailer.sha256;
      else digest.update(part.bytes);
    }
  } catch (error) {
    const kind = error instanceof Error ? ('code' in error ? String(error.code) : error.name) : 'unreadable';
    throw new Refused(`${file} is not a backup of Crosswalk, or it was cut short (${kind}). Nothing was changed.`);
  }
  if (header === null || sha256 !== digest.digest('hex')) {
    throw new Refused(`${file} was cut short or altered: its end does not match its content. Nothing was changed.`);
  }
  return header;
}

const modeRows = z.array(z.object({ mode: z.string() }));
const dataKeyRows = z.array(
  z.object({ version: z.number(), wrapped: z.instanceof(Buffer), master_key_id: z.string() }),
);

/**
 * Puts a backup into an empty, migrated database: all of it in one transaction, or nothing.
 * @throws Refused where the file is not whole, is of another version or mode, was made under a master key that `env`
 *   does not have, or the database is not empty.
 */
export async function restoreBackup(
  migratorUrl: string,
  file: string,
  env: Pick<Environment, 'mode' | 'masterKeys' | 'auditHeadsFile'>,
): Promise<BackupReport> {
  if (!existsSync(file)) throw new Refused(`There is no file ${file}.`);
  const header = await checkWhole(file);
  if (header.migration !== lastMigration()) {
    throw new Refused(
      `${file} is of the version with migration ${header.migration}, this is ${lastMigration()}: restore it with that version, then start this one.`,
    );
  }
  const { auditHeadsFile } = env;
  if (existsSync(auditHeadsFile) && !header.auditHeads.startsWith(readFileSync(auditHeadsFile, 'utf8'))) {
    throw new Refused(
      `${auditHeadsFile} holds signed heads of another installation or of a later time, and they are evidence: move the file away, and keep it.`,
    );
  }
  const sql = postgres(migratorUrl, { max: 1, onnotice: () => undefined, connection: { role: databaseRoles.owner } });
  let report: BackupReport = { tables: 0, rows: 0 };
  try {
    await sql.begin(async (tx) => {
      const used = z
        .array(z.object({ used: z.boolean() }))
        .parse(await tx`select exists (select 1 from app_user) or exists (select 1 from school) as used`);
      if (used[0]?.used !== false) {
        throw new Refused(
          'The database is not empty, and a restore never overwrites: use a new DATA_DIR or another database.',
        );
      }
      const tables = await tablesInOrder(tx);
      const secured = z
        .array(z.object({ name: z.string() }))
        .parse(
          await tx`select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relrowsecurity`,
        );
      // COPY into a table under row-level security is refused by PostgreSQL. It is back at the end of this transaction,
      // which holds the tables exclusively until then.
      for (const { name } of secured) await tx.unsafe(`alter table ${quote(name)} disable row level security`);
      for (const { name } of tables) await tx.unsafe(`alter table ${quote(name)} disable trigger user`);
      await tx.unsafe(`truncate ${tables.map(({ name }) => quote(name)).join(', ')}`);
      report = await copyIn(tx, file);
      const keys = dataKeyRows.parse(await tx`select version, wrapped, master_key_id from data_key`);
      for (const { version, wrapped, master_key_id: masterKeyId } of keys)
        assertDataKeyOpens({ version, wrapped, masterKeyId }, env);
      const modes = modeRows.parse(await tx`select value #>> '{}' as mode from installation where key = 'mode'`);
      if (modes.some(({ mode }) => mode !== env.mode)) {
        throw new Refused(
          env.mode === 'demo'
            ? `${file} is of a production installation: set CROSSWALK_URL and what production needs, then restore it. Nothing was changed.`
            : `${file} is of a demo, with accounts whose passwords everybody knows: production begins empty. Nothing was changed.`,
        );
      }
      // What a queue held when the backup was made is asked for again; every handler does its work once.
      await tx`update outbox set sent_at = null, attempts = 0
                where sent_at > ${header.createdAt}::timestamptz - interval '1 day'
                   or (name = 'mail/requested' and exists (select 1 from mail m where m.id::text = data ->> 'mailId'
                                                             and m.sent_at is null and m.failed_at is null))`;
      await continueSequences(tx);
      for (const { name } of tables) await tx.unsafe(`alter table ${quote(name)} enable trigger user`);
      for (const { name } of secured) await tx.unsafe(`alter table ${quote(name)} enable row level security`);
      if (header.auditHeads !== '') {
        mkdirSync(dirname(auditHeadsFile), { recursive: true, mode: 0o700 });
        writeFileSync(auditHeadsFile, header.auditHeads, { mode: 0o600 });
      }
    });
  } catch (error) {
    const sentence = sentenceAboutKeyring(error);
    if (sentence === null) throw error;
    throw new Refused(
      `${file} was made under another master key than CROSSWALK_MASTER_KEY (in a demo: than demo-master-key of this DATA_DIR): set CROSSWALK_MASTER_KEY to the one from then. Nothing was changed.`,
    );
  } finally {
    await sql.end({ timeout: 5 });
  }
  return report;
}

async function copyIn(tx: postgres.TransactionSql, file: string): Promise<BackupReport> {
  let rows = 0;
  let tables = 0;
  let into: { write: (bytes: Buffer) => Promise<void>; end: () => Promise<void> } | null = null;
  for await (const part of backupParts(file)) {
    if (part.kind === 'table') {
      tables += 1;
      const copy = await tx
        .unsafe(`copy ${quote(part.table)} (${part.columns.map(quote).join(', ')}) from stdin`)
        .writable();
      let broken: unknown = null;
      const finished = new Promise<void>((done, fail) => {
        copy.once('finish', done);
        copy.once('error', fail);
      });
      // An error arises while rows are still being written; it is thrown when the table ends.
      finished.catch((error: unknown) => {
        broken = error;
      });
      into = {
        write: async (bytes) => {
          if (broken === null && !copy.write(bytes)) await Promise.race([once(copy, 'drain'), finished]);
        },
        end: async () => {
          copy.end();
          await finished;
        },
      };
    } else if (part.kind === 'row') {
      rows += 1;
      await into?.write(part.bytes);
    } else if (part.kind === 'end') {
      await into?.end();
      into = null;
    }
  }
  return { tables, rows };
}

const countRows = z.array(z.object({ rows: z.coerce.number() }));

/** Rows of each table, to hold a restored database against the one that it came from. */
export async function countRowsOfTables(migratorUrl: string): Promise<ReadonlyMap<string, number>> {
  const sql = postgres(migratorUrl, { max: 1, onnotice: () => undefined, connection: { role: databaseRoles.owner } });
  try {
    const counts = new Map<string, number>();
    for (const { name } of await sql.begin((tx) => tablesInOrder(tx))) {
      const [row] = countRows.parse(await sql.unsafe(`select count(*) as rows from ${quote(name)}`));
      counts.set(name, row?.rows ?? 0);
    }
    return counts;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

const sequenceRows = z.array(z.object({ table: z.string(), column: z.string(), sequence: z.string() }));

/** Numbers that the database gives itself go on after the highest that came back. */
async function continueSequences(tx: postgres.TransactionSql): Promise<void> {
  const owned = sequenceRows.parse(
    await tx`select c.relname as table, a.attname as column, pg_get_serial_sequence(quote_ident(c.relname), a.attname) as sequence
               from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
              where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
                and pg_get_serial_sequence(quote_ident(c.relname), a.attname) is not null`,
  );
  for (const { table, column, sequence } of owned)
    await tx.unsafe(
      `select setval('${sequence.replaceAll("'", "''")}', greatest((select max(${quote(column)}) from ${quote(table)}), 1))`,
    );
}
