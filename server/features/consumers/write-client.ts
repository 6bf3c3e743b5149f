import { randomBytes } from 'node:crypto';
import { consumerClient } from '#db/schema/index.ts';
import type { Context } from '#server/kernel/context.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Work } from '#server/kernel/verb.ts';
import { writeSecret } from './client-secret.ts';
import { tokenPath } from './issue-token.ts';

/** What a consumer types in to ask for its data. */
export interface IssuedClient {
  readonly clientId: string;
  /** Shown once. */
  readonly clientSecret: string;
}

/** Makes what a consumer is known by on a connection. It opens nothing before the connection is live. */
export async function writeClient(
  work: Work,
  { schoolId, connectionId, signedCalls }: { schoolId: string; connectionId: string; signedCalls: boolean },
): Promise<IssuedClient> {
  const id = newId();
  const clientId = randomBytes(18).toString('base64url');
  await work.tx
    .insert(consumerClient)
    .values({ id, schoolId, connectionId, clientId, signedCalls, createdAt: work.ctx.clock.now() });
  const { secretId, secret } = await writeSecret(work, { id, schoolId, signedCalls });
  work.audit({
    action: 'consumer.client-issued',
    subjectKind: 'connection',
    subjectId: connectionId,
    details: { consumerClientId: id, secretId },
  });
  return { clientId, clientSecret: secret };
}

/** Where a consumer asks: for its token, and for rosters by either version of OneRoster. */
export function addressesForConsumers({ baseUrl }: Pick<Context, 'baseUrl'>) {
  return {
    tokenUrl: `${baseUrl}${tokenPath}`,
    rosterUrl: `${baseUrl}/ims/oneroster/rostering/v1p2`,
    olderRosterUrl: `${baseUrl}/ims/oneroster/v1p1`,
  };
}
