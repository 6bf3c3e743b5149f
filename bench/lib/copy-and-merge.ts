import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import postgres from 'postgres';
import { z } from 'zod';
import { tableNames } from '#server/roster/collections.ts';
import { rosterTables } from '#server/roster/roster-tables.ts';

const lineRows = z.array(z.object({ line: z.string() }));
const columnRows = z.array(z.object({ name: z.string(), type: z.string() }));

/**
 * What the database takes for the bare writing: every row of the roster, resolved and with its id, by COPY FROM STDIN through the same driver
 * and one MERGE per table, into the same tables, empty as before the first sync, as the same role with the same settings.
 */
export async function measureLimit({
  admin,
  syncUrl,
  school,
}: {
  admin: postgres.Sql;
  syncUrl: string;
  school: { schoolId: string };
}): Promise<{ seconds: number; copySeconds: number }> {
  const rosters = [...tableNames.map((table) => rosterTables[table].table), 'roster_stream'];
  const columnsOf = new Map<string, { name: string; type: string }[]>();
  for (const roster of rosters) {
    columnsOf.set(
      roster,
      columnRows.parse(
        await admin`
          select a.attname as name, format_type(a.atttypid, a.atttypmod) as type from pg_attribute a
           where a.attrelid = ${roster}::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' order by a.attnum`,
      ),
    );
  }
  // The rows as they rest, put aside: what is measured begins with empty tables.
  await admin.unsafe('create schema bench');
  await admin.unsafe('grant usage, create on schema bench to crosswalk_sync');
  for (const roster of rosters) {
    const names = (columnsOf.get(roster) ?? []).map(({ name }) => `"${name}"`).join(', ');
    await admin.unsafe(`create unlogged table bench.kept_${roster} as select ${names} from ${roster} order by id`);
    await admin.unsafe(`truncate ${roster}`);
  }
  await admin.unsafe('checkpoint');
  const sync = postgres(syncUrl, { max: 1, onnotice: () => undefined });
  const reader = postgres(adminUrlOf(admin), {
    max: 1,
    onnotice: () => undefined,
  });
  const folder = mkdtempSync(join(tmpdir(), 'crosswalk-bench-limit-'));
  try {
    let copySeconds = 0;
    let seconds = 0;
    for (const roster of rosters) {
      const columns = columnsOf.get(roster) ?? [];
      await sync.unsafe(
        `create unlogged table bench.staged_${roster} (${columns.map(({ name, type }) => `"${name}" ${type}`).join(', ')}) with (autovacuum_enabled = false)`,
      );
      const names = columns.map(({ name }) => `"${name}"`).join(', ');
      // Into a file beforehand, so that only the way in is measured.
      const file = join(folder, roster);
      const out = createWriteStream(file);
      const cells = columns.map(
        ({ name }) => `coalesce(replace(replace("${name}"::text, '\\', '\\\\'), E'\\t', '\\t'), '\\N')`,
      );
      const query = reader.unsafe(`select concat_ws(E'\\t', ${cells.join(', ')}) as line from bench.kept_${roster}`);
      for await (const rows of query.cursor(20_000)) {
        const text = lineRows.parse(rows).map(({ line }) => `${line}\n`);
        if (!out.write(text.join(''))) await once(out, 'drain');
      }
      await new Promise<void>((resolve) => out.end(() => resolve()));
      const started = performance.now();
      const stream = await sync.unsafe(`copy bench.staged_${roster} (${names}) from stdin`).writable();
      await pipeline(createReadStream(file, { highWaterMark: 262_144 }), stream);
      copySeconds += (performance.now() - started) / 1000;
      rmSync(file);
    }
    const started = performance.now();
    await sync.begin(async (tx) => {
      await tx`select set_config('app.school', ${school.schoolId}, true), set_config('work_mem', '192MB', true), set_config('jit', 'off', true)`;
      for (const roster of rosters) {
        const columns = columnsOf.get(roster) ?? [];
        const names = columns.map(({ name }) => `"${name}"`).join(', ');
        const set = columns
          .filter(({ name }) => name !== 'id')
          .map(({ name }) => `"${name}" = s."${name}"`)
          .join(', ');
        await tx.unsafe(`analyze bench.staged_${roster}`);
        await tx.unsafe(
          `merge into ${roster} r using bench.staged_${roster} s on r.system_id = s.system_id and r.source_id = s.source_id
           when matched and r.content_hash <> s.content_hash then update set ${set}
           when not matched then insert (${names}) values (${columns.map(({ name }) => `s."${name}"`).join(', ')})`,
        );
      }
    });
    seconds = copySeconds + (performance.now() - started) / 1000;
    return { seconds, copySeconds };
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await sync.end();
    await reader.end();
  }
}

function adminUrlOf(admin: postgres.Sql): string {
  const { host, port, user, pass, database } = admin.options;
  const password = typeof pass === 'string' ? pass : '';
  return `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host[0]}:${port[0]}/${database}`;
}
