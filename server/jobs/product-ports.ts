import { type Database, openDatabase } from '#db/client.ts';
import { urlForRole } from '#db/roles.ts';
import { connectorById } from '#server/connectors/registry.ts';
import { createAgreementWork } from '#server/features/agreements/agreement-work.ts';
import { createConnectionWork } from '#server/features/connections/connection-work.ts';
import { onSyncFailed, onSyncHeld, onSyncSucceeded } from '#server/features/connections/sync-outcome.ts';
import { withSession } from '#server/features/connections/use-credential.ts';
import { deliverMail } from '#server/features/mail/deliver-mail.ts';
import { keptMail, smtpTransport, type Transport } from '#server/features/mail/transport.ts';
import { signAuditHeads } from '#server/features/operations/sign-audit-heads.ts';
import { createPackagesWork } from '#server/features/packages/packages-work.ts';
import { sweepSignIn } from '#server/features/people/sweep-sign-in.ts';
import { onPushDone, onPushEnded, onPushFailed, onPushHeld } from '#server/features/push/push-outcome.ts';
import { createPushWork } from '#server/features/push/push-work.ts';
import { requestPushesAfterSync } from '#server/features/push/request-after-sync.ts';
import { provePush, withPush } from '#server/features/push/with-push.ts';
import { createReplacementWork } from '#server/features/replace-system/replacement-work.ts';
import { createSyncWork } from '#server/features/sync/sync-work.ts';
import { systemClock } from '#server/kernel/clock.ts';
import type { Context } from '#server/kernel/context.ts';
import { followKeyring, loadKeyring } from '#server/kernel/data-keys.ts';
import type { Environment } from '#server/kernel/env.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Logger } from '#server/kernel/log.ts';
import { embeddedKeys, type JobKeys } from './keys.ts';
import type { JobPorts } from './ports.ts';

/** What the product's functions work with, opened once per process. */
export interface JobProcess {
  readonly ports: JobPorts;
  readonly keys: JobKeys;
  /** Login of the sync role, for executor and relay. */
  readonly syncUrl: string;
  close(): Promise<void>;
}

/** The keys of the executor in use: an Inngest server's from the environment, else derived. */
export function jobKeys(env: Environment): JobKeys {
  const { baseUrl, signingKey, signingKeyFallback, eventKey } = env.inngest;
  if (baseUrl === null) return embeddedKeys(env.masterKeys);
  if (signingKey === null || eventKey === null) {
    throw new CrosswalkError('misconfigured', { details: { problem: 'inngest-keys-missing' } });
  }
  return { signingKey, signingKeyFallback, eventKey };
}

function mailTransport(env: Environment): Transport {
  const { smtpUrl, from } = env.mail;
  return smtpUrl === null ? keptMail : smtpTransport({ url: smtpUrl, from });
}

/** Opens databases and keys and joins the functions' ports with the features behind them. */
export async function openJobProcess(env: Environment, logger: Logger): Promise<JobProcess> {
  const [masterKey] = env.masterKeys;
  const { url, webUrl, syncUrl, prepare } = env.database;
  const loginOf = (given: string | null, role: 'web' | 'sync'): string => {
    if (given !== null) return given;
    if (url === null || masterKey === undefined) {
      throw new CrosswalkError('misconfigured', { details: { problem: 'database-url-missing' } });
    }
    return urlForRole(url, masterKey.base64, role);
  };
  const web = openDatabase(loginOf(webUrl, 'web'), { prepare, max: 8, name: 'crosswalk jobs' });
  const sync = openDatabase(loginOf(syncUrl, 'sync'), { prepare, max: 8, name: 'crosswalk jobs' });
  const close = async () => {
    await Promise.all([web.close(), sync.close()]);
  };
  try {
    const keyring = await loadKeyring(web, env);
    const following = followKeyring(keyring, (error) => logger.error('data keys could not be read again', { error }));
    const contextOf = (database: Database, job: string, runId: string): Context => ({
      actor: { kind: 'job', job, runId },
      database,
      keyring,
      clock: systemClock,
      baseUrl: env.baseUrl,
      requestId: newId(),
    });
    const transport = mailTransport(env);
    const ports: JobPorts = {
      deliverMail: async ({ mailId, schoolId, runId }) => {
        await deliverMail(contextOf(web, 'deliver-mail', runId), transport, { mailId, schoolId });
      },
      recordPulse: async () => {
        await sync.sql`insert into jobs.pulse (one, beaten_at) values (true, now())
                       on conflict (one) do update set beaten_at = excluded.beaten_at`;
      },
      agreements: createAgreementWork((runId) => contextOf(web, 'agreement-dates', runId)),
      connections: createConnectionWork((runId) => contextOf(web, 'connections', runId)),
      operations: { signAuditHeads: ({ runId }) => signAuditHeads(contextOf(web, 'sign-audit-heads', runId), env) },
      packages: createPackagesWork((runId) => contextOf(web, 'packages', runId)),
      people: { sweepSignIn: ({ runId }) => sweepSignIn({ ctx: contextOf(web, 'sweep-sign-in', runId), input: {} }) },
      replacements: createReplacementWork((runId) => contextOf(web, 'replace-system', runId)),
      push: createPushWork(
        {
          web: (runId) => contextOf(web, 'push-roster', runId),
          sync: (runId) => contextOf(sync, 'push-roster', runId),
        },
        {
          factsOf: (connector) => connectorById(connector).push,
          withPush,
          provePush,
          onPushDone,
          onPushHeld,
          onPushFailed,
          onPushEnded,
        },
      ),
      sync: createSyncWork(
        {
          web: (runId) => contextOf(web, 'sync-system', runId),
          sync: (runId) => contextOf(sync, 'sync-system', runId),
        },
        {
          withSession,
          onSyncSucceeded: async (ctx, outcome) => {
            await onSyncSucceeded(ctx, outcome);
            await requestPushesAfterSync(ctx, outcome);
          },
          onSyncFailed,
          onSyncHeld,
        },
      ),
    };
    return {
      ports,
      keys: jobKeys(env),
      syncUrl: loginOf(syncUrl, 'sync'),
      close: async () => {
        following.stop();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
