import { z } from 'zod';
import { connectionWays } from '#db/schema/vocabulary.ts';
import { connectorById } from '#server/connectors/registry.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb, type Work } from '#server/kernel/verb.ts';
import { agreementToAskUnder, askedAs, askers, questionFields } from './asking-party.ts';
import { lockSystem, schoolRow, systemInSchool } from './load-rows.ts';
import { type DraftConsumer, writeDraft } from './write-draft.ts';

/**
 * Drafts an API token request to a system: for the marketplace or, where the school itself asks, for one of its LMSs. Opens the
 * connection, or asks to amend one that has a grant, which stands meanwhile.
 * @throws CrosswalkError `agreement-not-in-force`, `people-not-grantable`, `push-not-offered`, `duplicate` where one is open already, `forbidden` for
 *   an LMS where somebody else than the school asks, `invalid-input`
 */
export const draftRequest = defineVerb({
  name: 'connections.draft-request',
  kind: 'command',
  access: askers,
  input: z.object({
    schoolId: idSchema,
    agentId: idSchema.optional(),
    systemId: idSchema,
    /** The LMS that would receive; without one the marketplace asks. */
    consumerSystemId: idSchema.optional(),
    way: z.enum(connectionWays).default('pull'),
    ...questionFields,
  }),
  async run(call) {
    const { tx, party, input } = call;
    const { schoolId, systemId } = input;
    if (input.consumerSystemId !== undefined && party.as !== 'school') throw new CrosswalkError('forbidden');
    const school = await schoolRow(tx, schoolId);
    const system = await lockSystem(tx, schoolId, systemId);
    const as = askedAs(party);
    const consumer: DraftConsumer =
      input.consumerSystemId === undefined
        ? { kind: 'marketplace' }
        : await lmsAsConsumer(call, schoolId, input.consumerSystemId, input.way);
    return writeDraft(call, {
      school,
      system,
      consumer,
      agreementId: await agreementToAskUnder(tx, schoolId, party),
      as,
      agentId: as === 'agent' ? party.agentId : null,
      scopes: input.scopes,
      purpose: input.purpose,
      until: input.until,
    });
  },
});

async function lmsAsConsumer(
  { tx }: Work,
  schoolId: string,
  systemId: string,
  way: (typeof connectionWays)[number],
): Promise<DraftConsumer> {
  const { kind, connector } = await systemInSchool(tx, schoolId, systemId);
  if (kind !== 'lms') throw new CrosswalkError('invalid-input', { details: { fields: ['consumerSystemId'] } });
  if (way === 'push' && connectorById(connector).push === null) {
    throw new CrosswalkError('push-not-offered', { details: { connector } });
  }
  return { kind: 'lms', systemId, way };
}
