import postgres from 'postgres';
import { z } from 'zod';
import { type Database, openDatabase, refuseUnsafeRole } from '#db/client.ts';
import { knownMigrations } from '#db/prepare.ts';
import { databaseRoles } from '#db/roles.ts';
import { jobsHealth } from '#server/jobs/health.ts';
import { operatorChainId } from '#server/kernel/audit-entry.ts';
import { verifyChain } from '#server/kernel/audit-verify.ts';
import { loadKeyring } from '#server/kernel/data-keys.ts';
import type { Environment } from '#server/kernel/env.ts';
import { toCrosswalkError } from '#server/kernel/errors.ts';
import { loadSignedHeads } from '#server/kernel/signed-heads.ts';
import {
  asOwner,
  type DatabaseFacts,
  readDatabaseFacts,
  sentenceAboutDatabase,
  sentencesAboutFacts,
} from '../database-problem.ts';
import { type RoleUrls, sentenceAboutKeyring } from '../prepare-database.ts';
import { type Finding, ok, skipped, warning, wrong } from './finding.ts';

const fewSeconds = 2;
const tooManySeconds = 5;

/** Whether the address leads to a usable server, how its clock stands to ours; the facts where it does. */
export async function lookAtServer(
  variable: string,
  url: string,
): Promise<{ findings: Finding[]; facts: DatabaseFacts | null }> {
  let facts: DatabaseFacts;
  try {
    facts = await readDatabaseFacts(url);
  } catch (error) {
    return { findings: [wrong('database', sentenceAboutDatabase(variable, url, error))], facts: null };
  }
  const unfit = sentencesAboutFacts(variable, facts).map((sentence) => wrong('database', sentence));
  const fine = ok('database', `PostgreSQL ${facts.version}, database "${facts.name}" in ${facts.encoding}.`);
  return { findings: [...(unfit.length > 0 ? unfit : [fine]), lookAtClock(facts.clockAheadSeconds)], facts };
}

/** @param ahead seconds by which the database's clock is ahead of this machine's. */
export function lookAtClock(ahead: number): Finding {
  const away = Math.abs(ahead);
  const says = `The database's clock is ${away.toFixed(1)} s ${ahead < 0 ? 'behind' : 'ahead of'} this machine's`;
  if (away > tooManySeconds)
    return wrong('clock', `${says}: sessions, codes and leases depend on both: set both by NTP.`);
  return away > fewSeconds ? warning('clock', `${says}: set both by NTP.`) : ok('clock', `${says}.`);
}

/** The logins: they work, and row-level security holds those that run. */
export async function lookAtRoles(env: Environment, urls: RoleUrls): Promise<Finding[]> {
  const variableOf = (role: 'web' | 'sync') =>
    env.database.webUrl === null ? 'DATABASE_URL' : `DATABASE_${role.toUpperCase()}_URL`;
  const running = await Promise.all(
    (['web', 'sync'] as const).map(async (role) => {
      const database = openDatabase(urls[role], { max: 1, prepare: false, name: 'crosswalk doctor' });
      try {
        await refuseUnsafeRole(database);
        return ok('roles', `${databaseRoles[role]} signs in and is held by row-level security.`);
      } catch (error) {
        const { code, details } = toCrosswalkError(error);
        return wrong(
          'roles',
          code === 'misconfigured'
            ? `${variableOf(role)} signs in as ${String(details.role)}, which is superuser, owner of the tables or above row-level security: give ${databaseRoles[role]}.`
            : sentenceAboutDatabase(variableOf(role), urls[role], error),
        );
      } finally {
        await database.close();
      }
    }),
  );
  const sql = postgres(asOwner(urls.migrator), { max: 1, onnotice: () => undefined });
  try {
    await sql`select 1`;
    return [...running, ok('roles', `The migrator may become ${databaseRoles.owner}.`)];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    return [
      ...running,
      wrong(
        'roles',
        code === '42501' || code === '22023'
          ? `The user of DATABASE_URL may not become ${databaseRoles.owner}, so nothing can be migrated: GRANT ${databaseRoles.owner} TO it.`
          : sentenceAboutDatabase('DATABASE_URL', urls.migrator, error),
      ),
    ];
  } finally {
    await sql.end({ timeout: 2 });
  }
}

const unprotectedRows = z.array(z.object({ name: z.string() }));

/** Every table with a school's or an agent's rows is under row-level security, by force, with its rule. */
export async function lookAtRowSecurity(database: Database): Promise<Finding[]> {
  const rows = unprotectedRows.parse(
    await database.sql`
      select c.relname as name from pg_class c
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
         and exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname in ('school_id', 'agent_id') and not a.attisdropped)
         and not (c.relrowsecurity and c.relforcerowsecurity
                  and exists (select 1 from pg_policy p where p.polrelid = c.oid and p.polname = 'tenant'))
       order by 1`,
  );
  if (rows.length === 0) return [ok('row-security', 'Every table with a tenant has row-level security, forced.')];
  return [
    wrong(
      'row-security',
      `Row-level security is off for ${rows.map((row) => row.name).join(', ')}: stop Crosswalk, find out who changed that, and restore a backup or run across.protect_tenant on each.`,
    ),
  ];
}

const appliedRow = z.array(z.object({ last: z.coerce.number().nullable() }));

/** The database's migrations against the ones in this checkout. */
export async function lookAtMigrations(urls: RoleUrls): Promise<Finding[]> {
  const sql = postgres(asOwner(urls.migrator), { max: 1, onnotice: () => undefined });
  try {
    const [applied] = appliedRow.parse(await sql`select max(created_at) as last from drizzle.__drizzle_migrations`);
    const last = applied?.last ?? 0;
    const known = knownMigrations();
    const missing = known.filter((one) => one.when > last).length;
    if (missing > 0)
      return [wrong('migrations', `${missing} of ${known.length} migrations are not applied: npm start applies them.`)];
    if (last > (known.at(-1)?.when ?? 0))
      return [wrong('migrations', 'The database was migrated by a newer version of Crosswalk: run that version.')];
    return [ok('migrations', `All ${known.length} migrations are applied.`)];
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** The data keys open with the master keys of the environment. */
export async function lookAtKeys(database: Database, env: Environment): Promise<Finding[]> {
  const exists = await database.sql`select 1 from data_key limit 1`;
  if (exists.length === 0) return [skipped('keys', 'No secret was sealed here yet.')];
  try {
    const keyring = await loadKeyring(database, env);
    return [ok('keys', `The master key opens the data keys; version ${keyring.activeVersion} seals.`)];
  } catch (error) {
    const sentence = sentenceAboutKeyring(error);
    if (sentence === null) throw error;
    return [wrong('keys', sentence)];
  }
}

const headRows = z.array(z.object({ chain_id: z.string() }));

/** Every chain against itself, its head and the heads that were signed outside the database. */
export async function lookAtAudit(database: Database, env: Environment): Promise<Finding[]> {
  const signed = await loadSignedHeads(env);
  const findings: Finding[] = signed.badLines
    .slice(0, 3)
    .map(({ line, what }) =>
      wrong(
        'audit',
        what === 'unknown-key'
          ? `Line ${line} of ${env.auditHeadsFile} is signed by a key that CROSSWALK_MASTER_KEY does not list: list the master key from then, too.`
          : `Line ${line} of ${env.auditHeadsFile} is not as it was written (${what}): compare it with your copy of the file.`,
      ),
    );
  const chains = headRows.parse(await database.sql`select chain_id from across.audit_heads()`);
  const ids = new Set([...chains.map((row) => row.chain_id), ...signed.byChain.keys()]);
  let entries = 0;
  for (const id of ids) {
    const schoolId = id === operatorChainId ? null : id;
    const verdict = await database.inScope({ schoolId }, (tx) => verifyChain(tx, schoolId ?? 'operator', signed));
    if (verdict.ok) entries += verdict.entries;
    else {
      const { seq, what } = verdict.firstBad;
      findings.push(
        wrong(
          'audit',
          `The audit chain of ${schoolId === null ? 'the operator' : `school ${id}`} is not sound at entry ${seq} (${what}): keep the database as it is, and compare with a backup from before.`,
        ),
      );
    }
  }
  if (findings.length > 0) return findings;
  if (entries > 0 && signed.byChain.size === 0)
    return [
      warning(
        'audit',
        `${ids.size} chains are sound, but no head was signed to ${env.auditHeadsFile} yet: the worker writes them, and until then cutting off the end would not show.`,
      ),
    ];
  return [ok('audit', `${ids.size} chains with ${entries} entries are sound and meet their signed heads.`)];
}

const seconds = (milliseconds: number) => Math.round(milliseconds / 1_000);
const lateMs = 300_000;
const pulseLateMs = 180_000;

/** A worker lives, its chain from cron to handler works, and events do not pile up. */
export async function lookAtJobs(database: Database): Promise<Finding[]> {
  const health = await jobsHealth(database);
  const findings: Finding[] = [];
  if (health.heartbeatAgeMs === null)
    findings.push(wrong('worker', 'No worker has ever run here: npm start, or npm start -- worker.'));
  else if (health.status === 'down')
    findings.push(
      wrong(
        'worker',
        `The last sign of life of a worker is ${seconds(health.heartbeatAgeMs)} s old: start it, its log says why it stopped.`,
      ),
    );
  else {
    findings.push(ok('worker', `A worker lives; its last sign is ${seconds(health.heartbeatAgeMs)} s old.`));
    if (health.pulseAgeMs !== null && health.pulseAgeMs > pulseLateMs)
      findings.push(
        wrong(
          'worker',
          `The minute's own job last ran ${seconds(health.pulseAgeMs)} s ago: jobs are asked for but not run; with an Inngest server see whether it reaches the worker.`,
        ),
      );
  }
  if (health.oldestUnsentMs !== null && health.oldestUnsentMs > lateMs)
    findings.push(
      wrong(
        'outbox',
        `${health.unsentEvents} events wait to be sent, the oldest for ${seconds(health.oldestUnsentMs)} s: the worker's log says what refuses them.`,
      ),
    );
  else findings.push(ok('outbox', `${health.unsentEvents} events wait to be sent.`));
  return findings;
}

const backupRow = z.array(z.object({ at: z.coerce.date() }));
const day = 86_400_000;

/** How old the last backup by `npm run backup` is. */
export async function lookAtBackup(database: Database, now: Date): Promise<Finding[]> {
  const [last] = backupRow.parse(
    await database.sql`select value ->> 'at' as at from installation where key = 'last-backup'`,
  );
  if (last === undefined)
    return [
      warning(
        'backup',
        'No backup was made with npm run backup: make one, unless the database is backed up in another way.',
      ),
    ];
  const days = (now.getTime() - last.at.getTime()) / day;
  const says = `The last backup is ${days < 1 ? 'less than a day' : `${Math.floor(days)} days`} old`;
  return [days > 2 ? warning('backup', `${says}: make one every day (docs/operations.md).`) : ok('backup', `${says}.`)];
}
