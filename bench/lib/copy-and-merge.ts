import { once } from 'node:events';
import postgres from 'postgres';
import { z } from 'zod';
import { tableNames } from '#server/roster/collections.ts';
import { rosterTables } from '#server/roster/roster-tables.ts';

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
  const reader = postgres(admin.options.host[0] === undefined ? '' : adminUrlOf(admin), {
    max: 1,
    onnotice: () => undefined,
  });
  try {
    let copySeconds = 0;
    let seconds = 0;
    for (const roster of rosters) {
      const columns = columnsOf.get(roster) ?? [];
      await sync.unsafe(
        `create unlogged table bench.staged_${roster} (${columns.map(({ name, type }) => `"${name}" ${type}`).join(', ')}) with (autovacuum_enabled = false)`,
      );
      const names = columns.map(({ name }) => `"${name}"`).join(', ');
      // Read in blocks beforehand, so that only the way in is measured.
      let elapsed = 0;
      for (let from = 0; ; from += 500_000) {
        const lines = await reader.unsafe(
          `select string_agg(line, '' order by n) as text from (
             select n, (n - 1) / 5000 as block, concat_ws(E'\\t', ${columns.map(({ name }) => `coalesce(replace(replace("${name}"::text, '\\', '\\\\'), E'\\t', '\\t'), '\\N')`).join(', ')}) || E'\\n' as line
               from (select *, row_number() over () as n from (select * from bench.kept_${roster} limit 500000 offset ${from}) k) k) l group by block order by block`,
        );
        const blocks = z
          .array(z.object({ text: z.string() }))
          .parse([...lines])
          .map(({ text }) => Buffer.from(text, 'utf8'));
        if (blocks.length === 0) break;
        const started = performance.now();
        const stream = await sync.unsafe(`copy bench.staged_${roster} (${names}) from stdin`).writable();
        for (const block of blocks) if (!stream.write(block)) await once(stream, 'drain');
        await new Promise<void>((resolve, reject) => {
          stream.once('error', reject);
          stream.end(resolve);
        });
        elapsed += performance.now() - started;
      }
      copySeconds += elapsed / 1000;
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
    await sync.end();
    await reader.end();
  }
}

function adminUrlOf(admin: postgres.Sql): string {
  const { host, port, user, pass, database } = admin.options;
  const password = typeof pass === 'string' ? pass : '';
  return `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host[0]}:${port[0]}/${database}`;
}
