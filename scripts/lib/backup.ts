import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import postgres from 'postgres';
import { z } from 'zod';
import { knownMigrations } from '#db/prepare.ts';
import { databaseRoles } from '#db/roles.ts';
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

/** Writes the backup beside its place and moves it there once it is whole. The file is for its owner alone. */
export async function writeBackup(migratorUrl: string, file: string, auditHeadsFile: string): Promise<BackupReport> {
  const sql = postgres(migratorUrl, { max: 1, onnotice: () => undefined, connection: { role: databaseRoles.owner } });
  const part = `${file}.part`;
  let report: BackupReport = { tables: 0, rows: 0 };
  try {
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
        const auditHeads = existsSync(auditHeadsFile) ? readFileSync(auditHeadsFile, 'utf8') : '';
        yield line({ format, migration: lastMigration(), createdAt: new Date().toISOString(), auditHeads });
        for (const { name, columns } of tables) {
          yield line({ table: name, columns });
          const copy = await tx.unsafe(`copy ${quote(name)} (${columns.map(quote).join(', ')}) to stdout`).readable();
          for await (const chunk of copy) {
            const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
            for (const byte of bytes) if (byte === 10) rows += 1;
            digest.update(bytes);
            yield bytes;
          }
          yield Buffer.from('\\.\n');
          digest.update('\\.\n');
        }
        report = { tables: tables.length, rows };
        yield Buffer.from(
          `${JSON.stringify({ end: true, tables: tables.length, rows, sha256: digest.digest('hex') })}\n`,
        );
      }
      await pipeline(Readable.from(lines()), createGzip(), createWriteStream(part, { mode: 0o600 }));
    });
    renameSync(part, file);
    return report;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Reads the whole file once and proves that it is ours, whole and unaltered, before a single row is written. */
async function checkWhole(file: string): Promise<z.infer<typeof headerSchema>> {
  const digest = createHash('sha256');
  let header: z.infer<typeof headerSchema> | null = null;
  let trailer: z.infer<typeof trailerSchema> | null = null;
  try {
    for await (const line of backupLines(file)) {
      if (header === null) header = headerSchema.parse(JSON.parse(line));
      if (line.startsWith('{"end":true,')) {
        trailer = trailerSchema.parse(JSON.parse(line));
        continue;
      }
      digest.update(`${line}\n`);
    }
  } catch (error) {
    throw new Refused(
      `${file} is not a backup of Crosswalk, or it was cut short (${error instanceof Error ? error.name : 'unreadable'}).`,
    );
  }
  if (header === null || trailer === null || trailer.sha256 !== digest.digest('hex')) {
    throw new Refused(`${file} was cut short or altered: its end does not match its content. Nothing was changed.`);
  }
  return header;
}

function backupLines(file: string): AsyncIterable<string> {
  const raw = createReadStream(file);
  const plain = raw.pipe(createGunzip());
  const lines = createInterface({ input: plain, crlfDelay: 0 });
  return (async function* () {
    let failed: Error | null = null;
    raw.once('error', (error) => {
      failed = error;
      lines.close();
    });
    plain.once('error', (error) => {
      failed = error;
      lines.close();
    });
    for await (const line of lines) yield line;
    if (failed !== null) throw failed;
  })();
}

/**
 * Puts a backup into an empty, migrated database: all of it in one transaction, or nothing.
 * @throws Refused where the file is not whole, is of another version, or the database is not empty.
 */
export async function restoreBackup(migratorUrl: string, file: string, auditHeadsFile: string): Promise<BackupReport> {
  if (!existsSync(file)) throw new Refused(`There is no file ${file}.`);
  const header = await checkWhole(file);
  if (header.migration !== lastMigration()) {
    throw new Refused(
      `${file} is of the version with migration ${header.migration}, this is ${lastMigration()}: restore it with that version, then start this one.`,
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
      for (const { name } of tables) {
        await tx.unsafe(`alter table ${quote(name)} disable trigger user`);
        await tx.unsafe(`delete from ${quote(name)}`);
      }
      let rows = 0;
      let seen = 0;
      let into: { write: (line: string) => Promise<void>; end: () => Promise<void> } | null = null;
      let first = true;
      for await (const line of backupLines(file)) {
        if (first) {
          first = false;
        } else if (into !== null) {
          if (line === '\\.') {
            await into.end();
            into = null;
          } else {
            rows += 1;
            await into.write(`${line}\n`);
          }
        } else if (!line.startsWith('{"end":true,')) {
          const { table, columns } = tableSchema.parse(JSON.parse(line));
          seen += 1;
          const copy = await tx.unsafe(`copy ${quote(table)} (${columns.map(quote).join(', ')}) from stdin`).writable();
          const finished = new Promise<void>((done, fail) => {
            copy.once('finish', done);
            copy.once('error', fail);
          });
          // An error arises while rows are still being written; it is thrown when the table ends.
          finished.catch(() => undefined);
          into = {
            write: async (text) => {
              if (!copy.write(text)) await new Promise<void>((done) => copy.once('drain', done));
            },
            end: async () => {
              copy.end();
              await finished;
            },
          };
        }
      }
      // What a queue held when the backup was made is asked for again; every handler does its work once.
      await tx`update outbox set sent_at = null where sent_at > now() - interval '1 day'`;
      for (const { name } of tables) await tx.unsafe(`alter table ${quote(name)} enable trigger user`);
      for (const { name } of secured) await tx.unsafe(`alter table ${quote(name)} enable row level security`);
      report = { tables: seen, rows };
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
  if (header.auditHeads !== '') writeFileSync(auditHeadsFile, header.auditHeads, { mode: 0o600 });
  return report;
}
