import { createHash, randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import postgres from 'postgres';
import type { Environment } from '#server/kernel/env.ts';
import { refuseUnusableDatabase } from './database-problem.ts';
import { type EmbeddedPostgres, runningServer, startEmbeddedPostgres } from './postgres.ts';
import { Refused } from './refused.ts';

/** The data folder, made where it is missing. */
export function writableFolder(path: string): string {
  const folder = resolve(path);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK);
  } catch {
    throw new Refused(`Crosswalk cannot write to ${folder}: set DATA_DIR to a folder that you own.`);
  }
  return folder;
}

/** In demo mode the master key is made once and kept beside the data; in production it comes from the environment. */
export function masterKeyOf(env: Environment, dataDir: string): string {
  const given = process.env.CROSSWALK_MASTER_KEY;
  if (given !== undefined && given.trim() !== '') return given;
  if (env.mode === 'production')
    throw new Refused('CROSSWALK_MASTER_KEY is missing: make one with `openssl rand -base64 32`.');
  const file = join(dataDir, 'demo-master-key');
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('base64'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

/** As root the data goes where the unprivileged server user can reach it, one folder per data folder. */
export function databaseFolder(dataDir: string): string {
  if (process.getuid?.() !== 0) return join(dataDir, 'postgres');
  const mark = createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
  return `/var/lib/crosswalk/data-${mark}`;
}

export interface OpenedDatabase {
  /** Of a role that may make roles, tables and everything else here. */
  readonly adminUrl: string;
  /** Stops the server where this call started it. */
  close(): Promise<void>;
}

/**
 * The database of this installation: DATABASE_URL, or our own server, found running or started. `keep` says what becomes
 * of a server that was running already: a command leaves it, `npm start` takes it over from a start that was killed.
 * @throws Refused with a sentence where it cannot be used.
 */
export async function openInstallationDatabase(
  env: Environment,
  dataDir: string,
  keep: 'leave-running' | 'take-over' = 'leave-running',
): Promise<OpenedDatabase> {
  if (env.database.url !== null) {
    await refuseUnusableDatabase('DATABASE_URL', env.database.url);
    return { adminUrl: env.database.url, close: () => Promise.resolve() };
  }
  const folder = databaseFolder(dataDir);
  const found = runningServer(folder);
  const server: EmbeddedPostgres = found ?? (await startEmbeddedPostgres({ dataDir: folder, port: 0 }));
  const close = () => (found === null || keep === 'take-over' ? server.stop() : Promise.resolve());
  try {
    const admin = postgres(server.adminUrl, { max: 1, onnotice: () => undefined });
    try {
      const existing = await admin`select 1 from pg_database where datname = 'crosswalk'`;
      if (existing.length === 0) await admin.unsafe('create database crosswalk');
    } finally {
      await admin.end();
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { adminUrl: server.url('crosswalk'), close };
}
