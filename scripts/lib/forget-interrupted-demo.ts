import { rmSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { z } from 'zod';

const progressRow = z.array(z.object({ value: z.string() }));

/**
 * A demo whose making was interrupted (Ctrl-C at the first start) is half a story: it is thrown away with what belongs to
 * it, so that the next start tells it from the beginning. Only ever our own server's demo database.
 * @returns whether there was one
 */
export async function forgetInterruptedDemo(
  adminUrl: string,
  dataDir: string,
  auditHeadsFile: string,
): Promise<boolean> {
  const sql = postgres(adminUrl, { max: 1, onnotice: () => undefined });
  try {
    const rows = progressRow.parse(await sql`select value #>> '{}' as value from installation where key = 'demo'`);
    if (rows[0]?.value !== 'making') return false;
  } finally {
    await sql.end({ timeout: 2 });
  }
  const url = new URL(adminUrl);
  const name = decodeURIComponent(url.pathname.slice(1));
  url.pathname = '/postgres';
  const maintenance = postgres(url.toString(), { max: 1, onnotice: () => undefined });
  try {
    await maintenance.unsafe(`drop database "${name.replaceAll('"', '""')}" with (force)`);
    await maintenance.unsafe(`create database "${name.replaceAll('"', '""')}"`);
  } finally {
    await maintenance.end({ timeout: 2 });
  }
  rmSync(join(dataDir, 'sandbox'), { recursive: true, force: true });
  rmSync(auditHeadsFile, { force: true });
  return true;
}
