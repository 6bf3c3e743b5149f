import { type Environment, loadEnvironment } from '#server/kernel/env.ts';
import { masterKeyOf, type OpenedDatabase, openInstallationDatabase, writableFolder } from './installation.ts';

export interface OpenedInstallation {
  /** The configuration with what was found out: absolute DATA_DIR, the demo's master key. */
  readonly env: Environment;
  readonly dataDir: string;
  readonly database: OpenedDatabase;
}

/** What the commands begin with: configuration, data folder, master key and the database, running or started for them. */
export async function openInstallation(): Promise<OpenedInstallation> {
  const first = loadEnvironment();
  const dataDir = writableFolder(first.dataDir);
  const source = { ...process.env, CROSSWALK_MASTER_KEY: masterKeyOf(first, dataDir), DATA_DIR: dataDir };
  const env = loadEnvironment(source);
  return { env, dataDir, database: await openInstallationDatabase(env, dataDir) };
}
