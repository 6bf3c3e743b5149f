import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openDatabase } from '#db/client.ts';
import { systemClock } from '#server/kernel/clock.ts';
import type { Environment } from '#server/kernel/env.ts';
import { livingStart } from './lib/claim-data-folder.ts';
import {
  lookAtAudit,
  lookAtBackup,
  lookAtJobs,
  lookAtKeys,
  lookAtMigrations,
  lookAtRoles,
  lookAtRowSecurity,
  lookAtServer,
} from './lib/doctor/database.ts';
import { lookAtEnvironment } from './lib/doctor/environment.ts';
import { type Finding, look, skipped, wrong } from './lib/doctor/finding.ts';
import { lookAtDisk, lookAtFolders, lookAtNode, lookAtPorts } from './lib/doctor/machine.ts';
import { lookAtInngest, lookAtMail, lookAtSignIn } from './lib/doctor/neighbours.ts';
import { endWithSentence } from './lib/end-with-sentence.ts';
import { databaseFolder, masterKeyOf, openInstallationDatabase } from './lib/installation.ts';
import type { WantedPort } from './lib/ports.ts';
import { readContent, roleUrls } from './lib/prepare-database.ts';
import { Refused } from './lib/refused.ts';

/**
 * `npm run doctor`: what is wrong with this set-up, a sentence for each thing. Changes nothing. `--json` for programs; exit
 * code 1 where something is wrong.
 */

function wantedPorts(env: Environment): WantedPort[] {
  return [
    { port: env.port, variable: 'PORT', host: env.webHost },
    { port: env.workerPort, variable: 'WORKER_PORT', host: env.workerHost },
    ...(env.mode === 'demo'
      ? (['SIS', 'CANVAS', 'MOODLE', 'PULLER'] as const).map((name, index) => {
          const variable = `SANDBOX_${name}_PORT`;
          return { port: Number(process.env[variable] ?? 4310 + index), variable, host: '127.0.0.1' };
        })
      : []),
  ];
}

async function examineDatabase(given: Environment, dataDir: string): Promise<readonly Finding[]> {
  if (given.database.url === null && !existsSync(join(databaseFolder(dataDir), 'cluster')))
    return [skipped('database', 'Nothing was started here yet: npm start makes the database.')];
  let opened: Awaited<ReturnType<typeof openInstallationDatabase>>;
  try {
    opened = await openInstallationDatabase(given, dataDir);
  } catch (error) {
    if (error instanceof Refused) return [wrong('database', error.message)];
    throw error;
  }
  try {
    const { adminUrl } = opened;
    const { findings, facts } = await lookAtServer('DATABASE_URL', adminUrl);
    if (facts === null || findings.some((finding) => finding.state === 'wrong')) return findings;
    if ((await readContent(adminUrl)) === 'empty')
      return [...findings, skipped('migrations', 'The database is empty: npm start makes the tables.')];
    const key = masterKeyOf(given, dataDir);
    const env = given.masterKeys.length > 0 ? given : { ...given, masterKeys: [{ id: '1', base64: key }] };
    const urls = roleUrls(env, adminUrl);
    const roles = await look('roles', () => lookAtRoles(env, urls));
    const migrations = await look('migrations', () => lookAtMigrations(urls));
    if ([...roles, ...migrations].some((finding) => finding.state === 'wrong'))
      return [...findings, ...roles, ...migrations];
    const database = openDatabase(urls.web, { max: 2, prepare: env.database.prepare, name: 'crosswalk doctor' });
    try {
      const running = given.database.url !== null || livingStart(dataDir) !== null;
      return [
        ...findings,
        ...roles,
        ...migrations,
        ...(await look('row-security', () => lookAtRowSecurity(database))),
        ...(await look('keys', () => lookAtKeys(database, env))),
        ...(await look('audit', () => lookAtAudit(database, env))),
        ...(running
          ? await look('worker', () => lookAtJobs(database))
          : [skipped('worker', 'Crosswalk is not running, so there is no worker to look at.')]),
        ...(env.mode === 'production'
          ? await look('backup', () => lookAtBackup(database, systemClock.now()))
          : [skipped('backup', 'A demo needs no backup.')]),
      ];
    } finally {
      await database.close();
    }
  } finally {
    await opened.close();
  }
}

async function examine(): Promise<readonly Finding[]> {
  const findings: Finding[] = [...(await look('node', () => lookAtNode()))];
  const { env, findings: configuration } = lookAtEnvironment(process.env);
  findings.push(...configuration);
  if (env === null) return [...findings, skipped('database', 'The rest is looked at once the configuration is sound.')];
  const dataDir = resolve(env.dataDir);
  const folders = [dataDir, ...(env.database.url === null ? [databaseFolder(dataDir)] : [])];
  return [
    ...findings,
    ...(await look('disk', () => lookAtDisk([...new Set(folders)]))),
    ...(await look('folders', () => lookAtFolders([...new Set([dataDir, resolve(env.auditHeadsFile, '..')])]))),
    ...(await look('ports', () => lookAtPorts(wantedPorts(env), dataDir))),
    ...(await look('database', () => examineDatabase(env, dataDir))),
    ...(await look('mail', () => lookAtMail(env.mail.smtpUrl))),
    ...(await look('sign-in', () => lookAtSignIn(env.oidc))),
    ...(await look('inngest', () => lookAtInngest(env.inngest))),
  ];
}

const signs = { ok: '✓', warning: '!', wrong: '✗', skipped: '–' } as const;

await endWithSentence(async () => {
  const findings = await examine();
  const healthy = findings.every((finding) => finding.state !== 'wrong');
  if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ healthy, findings })}\n`);
  else {
    const width = Math.max(...findings.map((finding) => finding.check.length));
    for (const { check, state, sentence } of findings)
      process.stdout.write(`${signs[state]} ${check.padEnd(width)}  ${sentence}\n`);
    const count = findings.filter((finding) => finding.state === 'wrong').length;
    process.stdout.write(
      healthy ? 'Nothing is wrong.\n' : `${count} ${count === 1 ? 'thing is' : 'things are'} wrong.\n`,
    );
  }
  if (!healthy) process.exitCode = 1;
});
