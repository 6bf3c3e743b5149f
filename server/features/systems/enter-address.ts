import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { credential, request, system } from '#db/schema/index.ts';
import { advance, advanceIfAllowed } from '#server/features/connections/advance.ts';
import { bidFarewell, destroyCredentials, type Farewell } from '#server/features/connections/destroy-credentials.ts';
import { fingerprintOf } from '#server/features/connections/fingerprint.ts';
import {
  credentialsOf,
  lockConnection,
  lockConnectionsOf,
  lockSystem,
  openRequestOf,
  type SystemRow,
  schoolRow,
} from '#server/features/connections/load-rows.ts';
import { type Trial, tryCredential } from '#server/features/connections/prove-credential.ts';
import { forEachPushInto, reviewPushesInto } from '#server/features/connections/pushed-into.ts';
import { readSituation, sameOrigins } from '#server/features/connections/situation.ts';
import { speaksOfHost } from '#server/features/connections/state-machine.ts';
import type { Party } from '#server/kernel/access.ts';
import { canonicalJson } from '#server/kernel/canonical-json.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineLongVerb, type Transact, type Work } from '#server/kernel/verb.ts';
import { type Address, readAddress } from './address.ts';
import { askAnewForHost } from './ask-anew-for-host.ts';
import { assertMayServe, setUpAccess, userIdOf } from './system-party.ts';

/** What entering an address changed. */
type Change = 'entered' | 'confirmed' | 'path' | 'origin';

/**
 * The school enters or changes where its system stands, and so confirms it. Another origin voids the proof, destroys the
 * credential that was good for the old one, and voids the open request: the approval of an address is for that address.
 * A changed path is tried again at once with the credential that is there.
 * @throws CrosswalkError `invalid-input` with the fields, `address-refused`; `forbidden` for a link once the school has
 *   confirmed an address
 */
export const enterAddress = defineLongVerb({
  name: 'systems.enter-address',
  kind: 'command',
  access: setUpAccess,
  input: z.object({
    schoolId: idSchema,
    systemId: idSchema,
    name: z.string().trim().min(1).max(120).optional(),
    settings: z.record(z.string().max(60), z.string().max(2000)),
  }),
  async run({ ctx, party, transact, input }): Promise<{ change: Change; origins: string[]; trial: Trial | null }> {
    const { schoolId, systemId } = input;
    assertMayServe(ctx, party, systemId);
    const { farewells, ...entered } = await transact(
      async (work) => {
        const before = await lockSystem(work.tx, schoolId, systemId);
        if (party.as === 'link' && before.hostConfirmedAt !== null) {
          throw new CrosswalkError('forbidden', { details: { problem: 'address-confirmed' } });
        }
        const address = readAddress(before.connector, { ...before.settings, ...input.settings });
        return changeAddress(work, party, before, { ...address, name: input.name ?? before.name });
      },
      { schoolId },
    );
    await bidFarewell(ctx, farewells);
    const trial =
      entered.credentialId === null
        ? null
        : await tryCredential(ctx, transact, { schoolId, systemId, credentialId: entered.credentialId });
    await askAnewForPushes(transact, party, { schoolId, systemId });
    // What is pushed into it waits until it lets us in at its new address.
    if (trial === null) await reviewPushesInto(transact, { schoolId, systemId });
    return { change: entered.change, origins: entered.origins, trial };
  },
});

/**
 * What is pushed into it was approved for where it stood: the approver is asked anew. Until that is done, and where it is cut off, nothing is
 * pushed, and the same address entered again asks.
 */
function askAnewForPushes(
  transact: Transact,
  party: Party,
  lms: { readonly schoolId: string; readonly systemId: string },
): Promise<void> {
  return forEachPushInto(transact, lms, async (work, locked) => {
    const { lms: now, openRequest, facts } = await readSituation(work.tx, locked);
    if (now === null) return;
    const isAsked = openRequest?.state === 'requested' && sameOrigins(openRequest.consumerOrigins, now.origins);
    const isSettled =
      openRequest?.state !== 'requested' && facts.hostApproved && !speaksOfHost(locked.connection.cause);
    if (!isAsked && !isSettled) await askAnewForHost(work, party, locked);
  });
}

interface Entered {
  readonly change: Change;
  readonly origins: string[];
  readonly farewells: Farewell[];
  /** To be tried again, since the address is another one. */
  readonly credentialId: string | null;
}

async function changeAddress(
  work: Work,
  party: Party,
  before: SystemRow,
  entered: Address & { readonly name: string },
): Promise<Entered> {
  const { ctx, tx, audit } = work;
  const { schoolId, id: systemId } = before;
  const change = changeFrom(before, entered);
  const after: SystemRow = {
    ...before,
    ...entered,
    hostConfirmedBy: userIdOf(ctx),
    hostConfirmedAt: ctx.clock.now(),
  };
  const { name, settings, origins, hostConfirmedBy, hostConfirmedAt } = after;
  await tx
    .update(system)
    .set({ name, settings, origins, hostConfirmedBy, hostConfirmedAt })
    .where(eq(system.id, systemId));
  audit({
    action: change === 'confirmed' ? 'system.address-confirmed' : 'system.address-entered',
    subjectKind: 'system',
    subjectId: systemId,
    details: { change, from: before.origins, origins, as: party.as },
  });
  const held = await credentialsOf(tx, schoolId, systemId);
  const farewells = change === 'origin' ? await destroyCredentials(work, before, held, 'address-changed') : [];
  const [first] = held;
  const unproved = change === 'path' && first !== undefined ? first.id : null;
  if (unproved !== null) {
    await tx.update(credential).set({ state: 'entered', proof: null }).where(eq(credential.id, unproved));
  }
  // While the school has stopped everything nothing is tried; the test is there when it is released.
  const stopped = (await schoolRow(tx, schoolId)).stoppedAt !== null;
  const credentialId = stopped ? null : unproved;
  for (const connection of await lockConnectionsOf(tx, schoolId, systemId)) {
    const locked = { system: after, connection };
    if (change === 'entered') {
      await advanceIfAllowed(work, locked, { type: 'enter-host' });
    } else if (change === 'origin') {
      await askAnewForHost(work, party, locked);
    }
    await refreshOpenRequest(work, schoolId, connection.id, origins);
  }
  return { change, origins: [...origins], farewells, credentialId };
}

function changeFrom(before: SystemRow, entered: Address): Change {
  if (before.origins.length === 0) return 'entered';
  if (!sameOrigins(before.origins, entered.origins)) return 'origin';
  const text = (settings: unknown) => canonicalJson(JSON.parse(JSON.stringify(settings)));
  return text(before.settings) === text(entered.settings) ? 'confirmed' : 'path';
}

/** What the approver is shown has changed with the address: so has the fingerprint of what waits for him. */
async function refreshOpenRequest(
  { tx }: Work,
  schoolId: string,
  connectionId: string,
  origins: readonly string[],
): Promise<void> {
  const open = await openRequestOf(tx, schoolId, connectionId);
  if (open === null) return;
  const situation = await readSituation(tx, await lockConnection(tx, schoolId, connectionId));
  const row = { ...open, origins: [...origins] };
  const fingerprint = open.state === 'requested' ? await fingerprintOf(tx, situation, row) : '';
  await tx.update(request).set({ origins: row.origins, fingerprint }).where(eq(request.id, open.id));
}

/** The school says that the address which somebody else typed is its own. */
export const confirmAddress = defineLongVerb({
  name: 'systems.confirm-address',
  kind: 'command',
  access: setUpAccess,
  input: z.object({
    schoolId: idSchema,
    systemId: idSchema,
    /** The origins that were shown. */
    origins: z.array(z.string().max(300)).min(1),
  }),
  async run({ ctx, party, transact, input: { schoolId, systemId, origins } }) {
    assertMayServe(ctx, party, systemId);
    return transact(
      async (work) => {
        const row = await lockSystem(work.tx, schoolId, systemId);
        if (row.origins.length === 0) throw new CrosswalkError('host-missing');
        if (!sameOrigins(row.origins, origins)) throw new CrosswalkError('changed-meanwhile');
        await work.tx
          .update(system)
          .set({ hostConfirmedBy: userIdOf(ctx), hostConfirmedAt: ctx.clock.now() })
          .where(eq(system.id, systemId));
        work.audit({
          action: 'system.address-confirmed',
          subjectKind: 'system',
          subjectId: systemId,
          details: { origins: row.origins, as: party.as },
        });
        for (const connection of await lockConnectionsOf(work.tx, schoolId, systemId)) {
          if (connection.cause === 'host-missing') {
            await advance(work, { system: row, connection }, { type: 'enter-host' });
          }
        }
        return { origins: row.origins };
      },
      { schoolId },
    );
  },
});
