import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { auditEntry, connection, credential, grant, request, systemCall } from '#db/schema/index.ts';
import type { CallRecord, Session } from '#server/connectors/contract.ts';
import type { OpenConnector } from '#server/connectors/open-connector.ts';
import { connectorById } from '#server/connectors/registry.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { type OutboundClient, originOf } from '#server/kernel/outbound/client.ts';
import { outboundOfProcess } from '#server/kernel/outbound/client-of-process.ts';
import { openJson } from '#server/kernel/sealed.ts';
import { runWork, type Work } from '#server/kernel/verb.ts';
import type { SyncPorts } from '#server/roster/ports.ts';
import { placeOfSecret } from './credential-places.ts';
import { type CredentialRow, credentialsOf, only, type SystemRow, schoolRow, systemInSchool } from './load-rows.ts';
import { sameOrigins } from './situation.ts';
import { isOver } from './term.ts';
import { tokensByLease } from './token-lease.ts';

/** For what a secret is opened. */
export interface Use {
  readonly schoolId: string;
  readonly systemId: string;
  readonly purpose: CallRecord['purpose'];
  readonly syncRunId: string | null;
  /** A certain attempt; without it the credential in use. */
  readonly credentialId?: string;
  readonly signal?: AbortSignal;
}

/** A session as a connector takes it, and the end of its call log. */
export interface Opened {
  readonly session: Session<unknown, unknown>;
  readonly system: SystemRow;
  readonly credential: CredentialRow;
  /** Writes what is left of the call log. */
  close(): Promise<void>;
}

const secretSchema = z.record(z.string(), z.unknown());
/** Calls that are held back before they are written: a long fetch shows itself while it runs. */
const batchSize = 50;

/** Implements the port of server/roster/ports.ts; see there for the promise. */
export const withSession: SyncPorts['withSession'] = (ctx, use, run) => withOpened(ctx, use, run);

/** The same for a certain attempt, as a proof needs it. */
export async function withOpened<T>(ctx: Context, use: Use, run: (connector: OpenConnector) => Promise<T>): Promise<T> {
  const { session, system, close } = await openCredential(ctx, use);
  try {
    return await run(connectorById(system.connector).open(session));
  } finally {
    await close();
  }
}

/**
 * Opens a credential for use. Nothing is read for a sync unless a live grant names the origins that the system has now.
 * @throws CrosswalkError `stopped-by-school`, `host-not-confirmed`, `credential-not-proved`, `grant-not-live`,
 *   `host-not-approved`, `secret-unreadable`
 */
export async function openCredential(ctx: Context, use: Use): Promise<Opened> {
  const { schoolId, systemId } = use;
  const { system, row } = await runWork(ctx, { schoolId }, async (work) => {
    const school = await schoolRow(work.tx, schoolId);
    if (school.stoppedAt !== null) throw new CrosswalkError('stopped-by-school');
    const found = await systemInSchool(work.tx, schoolId, systemId);
    if (found.hostConfirmedAt === null) throw new CrosswalkError('host-not-confirmed');
    const chosen = await chooseCredential(work.tx, use);
    if (use.purpose === 'sync') await assertGranted(work, found, school.timeZone);
    // Every use, a run's once however many slices it has.
    if (use.syncRunId === null || !(await isAudited(work.tx, chosen.id, use.syncRunId))) {
      work.audit({
        action: 'credential.used',
        subjectKind: 'credential',
        subjectId: chosen.id,
        details: { systemId, purpose: use.purpose, syncRunId: use.syncRunId },
      });
    }
    return { system: found, row: chosen };
  });
  const owner = { schoolId, credentialId: row.id, origins: system.origins };
  const log = callLog(ctx, use);
  return {
    system,
    credential: row,
    close: log.close,
    session: {
      settings: system.settings,
      secret: openJson(ctx.keyring, row.sealed, placeOfSecret(owner), secretSchema),
      http: heldTo(outboundOfProcess(), system.origins),
      clock: ctx.clock,
      purpose: use.purpose,
      signal: use.signal,
      record: log.record,
      tokens: (renew, rejected) => tokensByLease(ctx, owner, renew, rejected, use.signal),
    },
  };
}

async function chooseCredential(tx: Tx, { schoolId, systemId, credentialId, purpose }: Use): Promise<CredentialRow> {
  if (credentialId !== undefined) {
    const rows = await tx
      .select()
      .from(credential)
      .where(
        and(
          eq(credential.schoolId, schoolId),
          eq(credential.systemId, systemId),
          eq(credential.id, credentialId),
          isNull(credential.destroyedAt),
        ),
      );
    return only(rows);
  }
  const [row] = await credentialsOf(tx, schoolId, systemId);
  // One that was refused after it had been proved is tried again: what was broken over there may have been mended.
  const usable =
    row !== undefined &&
    (row.state === 'proved' || ((purpose === 'sync' || purpose === 'push') && row.provedAt !== null));
  if (!usable) throw new CrosswalkError('credential-not-proved');
  return row;
}

/** A sync needs a grant that lives, on a connection that may receive, for the address that was approved. */
async function assertGranted({ ctx, tx }: Work, { schoolId, id, origins }: SystemRow, timeZone: string): Promise<void> {
  const rows = await tx
    .select({ origins: request.origins, until: grant.validUntil })
    .from(connection)
    .innerJoin(grant, and(eq(grant.connectionId, connection.id), isNull(grant.endedAt)))
    .innerJoin(request, eq(request.id, grant.requestId))
    .where(
      and(
        eq(connection.schoolId, schoolId),
        eq(connection.producerSystemId, id),
        inArray(connection.state, ['connecting', 'live', 'failing']),
      ),
    );
  const live = rows.filter(({ until }) => !isOver(until, timeZone, ctx.clock.now()));
  if (live.length === 0) throw new CrosswalkError('grant-not-live');
  if (!live.some((row) => sameOrigins(row.origins, origins))) throw new CrosswalkError('host-not-approved');
}

async function isAudited(tx: Tx, credentialId: string, syncRunId: string): Promise<boolean> {
  const rows = await tx
    .select({ id: auditEntry.id })
    .from(auditEntry)
    .where(
      and(
        eq(auditEntry.subjectId, credentialId),
        eq(auditEntry.action, 'credential.used'),
        sql`${auditEntry.details} ->> 'syncRunId' = ${syncRunId}`,
      ),
    )
    .limit(1);
  return rows.length > 0;
}

/** The outbound client, held to the origins that the secret may be sent to, whatever a connector asks. */
export function heldTo(client: OutboundClient, origins: readonly string[]): OutboundClient {
  return {
    ...client,
    connectSsh: async (server) => {
      if (!origins.some((origin) => isSshServer(origin, server))) {
        throw new CrosswalkError('address-refused', { details: { problem: 'other-origin', host: server.host } });
      }
      return client.connectSsh(server);
    },
    request: async (asked) => {
      const url = client.check(asked.url);
      if (!origins.includes(originOf(url))) {
        throw new CrosswalkError('address-refused', { details: { problem: 'other-origin', host: url.hostname } });
      }
      return client.request(asked);
    },
  };
}

/** Whether an origin (`sftp://host:port#host-key`) is this server. */
function isSshServer(origin: string, { host, port }: { readonly host: string; readonly port: number }): boolean {
  const url = URL.parse(origin);
  return url?.protocol === 'sftp:' && url.hostname.replace(/^\[(.*)\]$/, '$1') === host && Number(url.port) === port;
}

/** Collects the calls of one use and writes them in batches, for the school to see. */
export function callLog(ctx: Context, { schoolId, systemId, syncRunId }: Use) {
  let waiting: CallRecord[] = [];
  let writing: Promise<void> = Promise.resolve();
  const flush = () => {
    const calls = waiting;
    waiting = [];
    if (calls.length === 0) return;
    const rows = calls.map((call) => ({ ...call, id: newId(), schoolId, systemId, syncRunId }));
    writing = writing.then(async () => {
      await ctx.database.withSchool(schoolId, (tx) => tx.insert(systemCall).values(rows));
    });
    // The failure is met by whoever awaits `close`; it must not end the process before.
    writing.catch(() => undefined);
  };
  return {
    record: (call: CallRecord) => {
      waiting.push(call);
      if (waiting.length >= batchSize) flush();
    },
    close: async () => {
      flush();
      await writing;
    },
  };
}
