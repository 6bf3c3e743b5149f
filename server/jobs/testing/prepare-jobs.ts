import { readFileSync } from 'node:fs';
import postgres from 'postgres';
import { migrateQueue } from '#db/queue.ts';
import { databaseRoles } from '#db/roles.ts';

/** Gives a test database the schema `jobs` (unless the migrations did) and the queue. */
export async function prepareJobs(adminUrl: string): Promise<void> {
  const sql = postgres(adminUrl, { max: 1, onnotice: () => undefined, connection: { role: databaseRoles.owner } });
  try {
    const found = await sql`select 1 from pg_namespace where nspname = 'jobs'`;
    if (found.length === 0) {
      await sql.unsafe(readFileSync(new URL('../../../db/migrations-extra/jobs.sql', import.meta.url), 'utf8'));
    }
  } finally {
    await sql.end();
  }
  await migrateQueue(adminUrl);
}
