import { and, eq, gt, isNull, or } from 'drizzle-orm';
import { z } from 'zod';
import { connection, consumerClient, consumerSecret } from '#db/schema/index.ts';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { assertMayServe } from '#server/features/systems/system-party.ts';
import type { Party } from '#server/kernel/access.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { outboundOfProcess } from '#server/kernel/outbound/client-of-process.ts';
import { defineVerb, type Work } from '#server/kernel/verb.ts';
import { jwksSchema } from '#server/protocols/oauth/client-assertion.ts';
import { writeSecret } from './client-secret.ts';
import { endClients } from './end-clients.ts';
import type { ClientRow } from './find-client.ts';
import { addressesForConsumers, writeClient } from './write-client.ts';

const roles = ['school-administrator', 'technical-contact'] as const satisfies SchoolRole[];
const access = [{ school: roles }] as const;
const input = z.object({ schoolId: idSchema, connectionId: idSchema });
type Which = z.output<typeof input>;

/** Locks a connection whose LMS asks for its data; one that has ended issues nothing. @throws `not-found`, `state-forbids`, `forbidden` */
async function lockPulling({ ctx, tx }: Work, party: Party, { schoolId, connectionId }: Which) {
  const [row] = await tx
    .select()
    .from(connection)
    .where(and(eq(connection.schoolId, schoolId), eq(connection.id, connectionId)))
    .for('no key update');
  if (row === undefined || row.consumerSystemId === null) throw new CrosswalkError('not-found');
  assertMayServe(ctx, party, row.consumerSystemId);
  if (row.way !== 'pull' || row.endedAt !== null) {
    throw new CrosswalkError('state-forbids', { details: { state: row.state } });
  }
  return row;
}

async function clientOfLocked({ tx }: Work, { schoolId, connectionId }: Which): Promise<ClientRow> {
  const [row] = await tx
    .select()
    .from(consumerClient)
    .where(
      and(
        eq(consumerClient.schoolId, schoolId),
        eq(consumerClient.connectionId, connectionId),
        isNull(consumerClient.revokedAt),
      ),
    );
  if (row === undefined) throw new CrosswalkError('not-found');
  return row;
}

/** Lets the secrets that are good now end, at once or after an overlap in which both work. */
async function endSecrets({ ctx, tx }: Work, client: ClientRow, overlapHours: number): Promise<void> {
  const now = ctx.clock.now();
  const endsAt = new Date(now.getTime() + overlapHours * 60 * 60 * 1000);
  await tx
    .update(consumerSecret)
    .set(overlapHours === 0 ? { endsAt, sealed: null } : { endsAt })
    .where(
      and(
        eq(consumerSecret.schoolId, client.schoolId),
        eq(consumerSecret.consumerClientId, client.id),
        or(isNull(consumerSecret.endsAt), gt(consumerSecret.endsAt, endsAt)),
      ),
    );
}

/**
 * Issues a client for a connection that the school itself asked for. The secret is in this answer and nowhere else.
 * @throws CrosswalkError `duplicate` where there is one, `state-forbids`, `not-found`
 */
export const issueClient = defineVerb({
  name: 'consumers.issue-client',
  kind: 'command',
  access,
  input,
  async run(call) {
    const { ctx, tx, party } = call;
    const which = call.input;
    await lockPulling(call, party, which);
    const held = await tx.$count(
      consumerClient,
      and(
        eq(consumerClient.schoolId, which.schoolId),
        eq(consumerClient.connectionId, which.connectionId),
        isNull(consumerClient.revokedAt),
      ),
    );
    if (held > 0) throw new CrosswalkError('duplicate');
    return { ...(await writeClient(call, { ...which, signedCalls: false })), ...addressesForConsumers(ctx) };
  },
});

/** Issues a new secret; the old one ends at once, with the tokens that it bought, or after the hours that were chosen. */
export const reissueSecret = defineVerb({
  name: 'consumers.reissue-secret',
  kind: 'command',
  access,
  input: input.extend({ overlapHours: z.int().min(0).max(168) }),
  async run(call) {
    const { ctx, audit, party } = call;
    const { overlapHours, ...which } = call.input;
    await lockPulling(call, party, which);
    const client = await clientOfLocked(call, which);
    await endSecrets(call, client, overlapHours);
    const { secretId, secret } = await writeSecret(call, client);
    audit({
      action: 'consumer.secret-reissued',
      subjectKind: 'connection',
      subjectId: which.connectionId,
      details: { consumerClientId: client.id, secretId, overlapHours },
    });
    return { clientId: client.clientId, clientSecret: secret, ...addressesForConsumers(ctx) };
  },
});

/** Takes the client away: its secrets and tokens end at once. The approval stays, for another one. */
export const revokeClient = defineVerb({
  name: 'consumers.revoke-client',
  kind: 'command',
  access,
  input,
  async run(call) {
    const row = await lockPulling(call, call.party, call.input);
    if ((await endClients(call, row)) === 0) throw new CrosswalkError('not-found');
    return { connectionId: row.id };
  },
});

/**
 * Allows or ends calls to OneRoster 1.1 that are signed by OAuth 1.0a. A signature is checked against the secret itself, which was
 * kept as a hash until now: allowing issues a new one, sealed, and ends the old at once.
 */
export const setSignedCalls = defineVerb({
  name: 'consumers.set-signed-calls',
  kind: 'command',
  access,
  input: input.extend({ allowed: z.boolean() }),
  async run(call) {
    const { ctx, tx, audit, party } = call;
    const { allowed, ...which } = call.input;
    await lockPulling(call, party, which);
    const client = await clientOfLocked(call, which);
    if (client.signedCalls === allowed)
      throw new CrosswalkError('state-forbids', { details: { state: String(allowed) } });
    await tx.update(consumerClient).set({ signedCalls: allowed }).where(eq(consumerClient.id, client.id));
    audit({
      action: allowed ? 'consumer.signed-calls-allowed' : 'consumer.signed-calls-ended',
      subjectKind: 'connection',
      subjectId: which.connectionId,
      details: { consumerClientId: client.id },
    });
    if (!allowed) {
      await tx
        .update(consumerSecret)
        .set({ sealed: null })
        .where(and(eq(consumerSecret.schoolId, which.schoolId), eq(consumerSecret.consumerClientId, client.id)));
      return null;
    }
    await endSecrets(call, client, 0);
    const { secret } = await writeSecret(call, { ...client, signedCalls: true });
    return { clientId: client.clientId, clientSecret: secret, ...addressesForConsumers(ctx) };
  },
});

/**
 * Takes in the public keys that a client signs its token requests with (`private_key_jwt`): the address of a JWK set, or the set itself; an
 * empty text takes them out.
 * @throws CrosswalkError `invalid-input`, `address-refused`
 */
export const setClientKeys = defineVerb({
  name: 'consumers.set-client-keys',
  kind: 'command',
  access,
  input: input.extend({ keys: z.string().trim().max(20_000) }),
  async run(call) {
    const { tx, audit, party } = call;
    const { keys, ...which } = call.input;
    await lockPulling(call, party, which);
    const client = await clientOfLocked(call, which);
    await tx.update(consumerClient).set(readKeys(keys)).where(eq(consumerClient.id, client.id));
    audit({
      action: 'consumer.keys-set',
      subjectKind: 'connection',
      subjectId: which.connectionId,
      details: { consumerClientId: client.id, held: keys !== '' },
    });
    return { connectionId: which.connectionId };
  },
});

function readKeys(text: string): { jwks: unknown; jwksUrl: string | null } {
  if (text === '') return { jwks: null, jwksUrl: null };
  if (URL.canParse(text)) return { jwks: null, jwksUrl: outboundOfProcess().check(text).href };
  try {
    return { jwks: jwksSchema.parse(JSON.parse(text)), jwksUrl: null };
  } catch (cause) {
    throw new CrosswalkError('invalid-input', { details: { fields: ['keys'] }, cause });
  }
}
