import { and, asc, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { singleUseLink, system } from '#db/schema/index.ts';
import { addressesForConsumers, writeClient } from '#server/features/consumers/write-client.ts';
import { emailSchema } from '#server/features/people/email-address.ts';
import { readAddress } from '#server/features/systems/address.ts';
import { hostsOfLms } from '#server/features/systems/hosts-of-system.ts';
import type { Party } from '#server/kernel/access.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { localDate } from '#server/kernel/local-date.ts';
import { defineVerb, type Work } from '#server/kernel/verb.ts';
import { askableScopes } from './askable-scopes.ts';
import { agreementToAskUnder, questionFields } from './asking-party.ts';
import { lockRequest, lockSystem, type SystemRow, schoolRow, systemInSchool } from './load-rows.ts';
import { sendDraft } from './send-request.ts';
import { defaultUntil } from './term.ts';
import { writeDraft } from './write-draft.ts';

const access = [{ link: 'pairing' }] as const;

/** The link in hand: its school and the SIS that it is for. @throws `link-unusable` */
function linkOf(ctx: Context, party: Party): { linkId: string; schoolId: string; systemId: string; name: string } {
  const { actor } = ctx;
  if (actor.kind !== 'link' || actor.systemId === null || party.schoolId === null) {
    throw new CrosswalkError('link-unusable');
  }
  return { linkId: actor.linkId, schoolId: party.schoolId, systemId: actor.systemId, name: actor.name };
}

/** What the holder of a pairing link sees: whose roster it is and what may be asked of it. No data, no count, no address. */
export const pairingPage = defineVerb({
  name: 'connections.pairing-page',
  kind: 'query',
  access,
  input: z.object({}),
  async run({ ctx, tx, party }) {
    const { schoolId, systemId, name } = linkOf(ctx, party);
    const school = await schoolRow(tx, schoolId);
    const sis = await systemInSchool(tx, schoolId, systemId);
    return {
      school: school.name,
      system: sis.name,
      holder: name,
      scopes: askableScopes('lms', sis.kind, sis.connector),
      until: defaultUntil(localDate(ctx.clock.now(), school.timeZone)),
    };
  },
});

/**
 * Asks for the roster in the name of an LMS: its administrator says which LMS it is and who he is, which is the consumer side's
 * consent. The client id and secret come back once, to him alone; they open nothing before the school has approved. The link is used.
 * @throws CrosswalkError `link-unusable`, `agreement-not-in-force`, `duplicate`, `stopped-by-school`, `address-refused`, `invalid-input`
 */
export const pair = defineVerb({
  name: 'connections.pair',
  kind: 'command',
  access,
  input: z.object({
    lms: z.string().trim().min(1).max(120),
    /** Where its people open it. */
    address: z.string().trim().max(2000),
    name: z.string().trim().min(1).max(120),
    email: emailSchema,
    ...questionFields,
  }),
  async run(call) {
    const { ctx, tx, party, input } = call;
    const { linkId, schoolId, systemId } = linkOf(ctx, party);
    const now = ctx.clock.now();
    const used = await tx
      .update(singleUseLink)
      .set({ usedAt: now })
      .where(and(eq(singleUseLink.schoolId, schoolId), eq(singleUseLink.id, linkId), isNull(singleUseLink.usedAt)))
      .returning({ id: singleUseLink.id });
    if (used.length === 0) throw new CrosswalkError('link-unusable');
    const school = await schoolRow(tx, schoolId);
    const sis = await lockSystem(tx, schoolId, systemId);
    const agreementId = await agreementToAskUnder(tx, schoolId, party);
    const lmsId = await lmsAt(call, schoolId, input.lms, input.address);
    const drafted = await writeDraft(call, {
      school,
      system: sis,
      consumer: { kind: 'lms', systemId: lmsId, way: 'pull' },
      agreementId,
      as: 'lms',
      agentId: null,
      scopes: input.scopes,
      purpose: input.purpose,
      until: input.until,
      asker: { name: input.name, email: input.email },
    });
    // A second pairing would hand out a second secret for what is released already.
    if (drafted.kind === 'amend') {
      throw new CrosswalkError('duplicate', { details: { connectionId: drafted.connectionId } });
    }
    const locked = await lockRequest(tx, schoolId, drafted.requestId);
    await sendDraft(call, locked, { agreementId, organisation: input.lms });
    const client = await writeClient(call, { schoolId, connectionId: drafted.connectionId, signedCalls: false });
    return { school: school.name, system: sis.name, ...client, ...addressesForConsumers(ctx) };
  },
});

/** The school's LMS at that host; one that it does not know yet is added, as one that asks and is never asked. */
async function lmsAt(work: Work, schoolId: string, name: string, typed: string): Promise<string> {
  const { ctx, tx, audit } = work;
  const { settings, origins } = readAddress('pulling-lms', { baseUrl: typed });
  const host = URL.parse(String(settings.baseUrl))?.host;
  const known = await tx
    .select()
    .from(system)
    .where(and(eq(system.schoolId, schoolId), eq(system.kind, 'lms'), isNull(system.removedAt)))
    .orderBy(asc(system.createdAt), asc(system.id));
  const at = known.find((row: SystemRow) => host !== undefined && hostsOfLms(ctx, row).includes(host));
  if (at !== undefined) return at.id;
  const systemId = newId();
  await tx.insert(system).values({
    id: systemId,
    schoolId,
    kind: 'lms',
    connector: 'pulling-lms',
    name,
    settings,
    origins,
    createdAt: ctx.clock.now(),
  });
  audit({
    action: 'system.added',
    subjectKind: 'system',
    subjectId: systemId,
    details: { kind: 'lms', connector: 'pulling-lms', product: 'pulling-lms', origins, as: 'link' },
  });
  return systemId;
}
