import { agreement } from '#db/schema/index.ts';
import { refuseAddressOfAgent } from '#server/features/people/invitation-links.ts';
import { ownProspect } from '#server/features/schools/own-prospect.ts';
import { refuseUnreviewedAgent } from '#server/features/schools/refuse-unreviewed-agent.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { localDate } from '#server/kernel/local-date.ts';
import { defineVerb, type Work } from '#server/kernel/verb.ts';
import { personOf } from './agreement-row.ts';
import {
  type AgreementTerms,
  agreementTermsSchema,
  composeAgreement,
  keepDocument,
  marketplaceName,
  refuseImpossibleTerm,
  usableTemplate,
} from './compose-agreement.ts';

/**
 * An agent draws up an agreement for a school of his pipeline. It is his own paper until he sends it. An address of an
 * agent as signatory is refused: `conflict-of-interest`.
 */
export const drawUpAgreement = defineVerb({
  name: 'agreements.draw-up',
  kind: 'command',
  access: [{ agent: ['agent', 'agent-administrator'], serves: 'prospect' }],
  input: agreementTermsSchema.extend({ agentId: idSchema, schoolId: idSchema }),
  run: async ({ input, party: _party, ...work }) => {
    const { agentId, schoolId, attachment, ...terms } = input;
    const { userId } = personOf(work.ctx.actor);
    const kept =
      attachment == null
        ? null
        : await keepDocument(work.tx, {
            schoolId,
            kind: 'agreement-attachment',
            file: attachment,
            uploadedBy: userId,
            at: work.ctx.clock.now(),
          });
    const columns = await composeDraft(work, { agentId, schoolId, terms, attachment: kept });
    const id = newId();
    await work.tx.insert(agreement).values({
      id,
      schoolId,
      agentId,
      state: 'draft',
      draftedBy: userId,
      createdAt: work.ctx.clock.now(),
      ...columns,
    });
    work.audit({
      action: 'agreements.drawn-up',
      subjectKind: 'agreement',
      subjectId: id,
      chain: 'operator',
      details: { agentId },
    });
    return { agreementId: id };
  },
});

/** The columns of a draft from its terms; the agent's own words for the school, never the tenant's. */
export async function composeDraft(
  work: Pick<Work, 'ctx' | 'tx'>,
  order: {
    agentId: string;
    schoolId: string;
    terms: Omit<AgreementTerms, 'attachment'>;
    attachment: { documentId: string; fileName: string; sha256: string } | null;
  },
) {
  const { agentId, schoolId, terms, attachment } = order;
  const { ctx, tx } = work;
  refuseImpossibleTerm(terms);
  const agent = await refuseUnreviewedAgent(tx, agentId);
  const known = await ownProspect(tx, { agentId, schoolId });
  if (terms.termEnd < localDate(ctx.clock.now(), known.timeZone)) {
    throw new CrosswalkError('invalid-input', { details: { fields: ['termEnd'] } });
  }
  await refuseAddressOfAgent(work, schoolId, terms.signatoryEmail);
  const template = await usableTemplate(tx, terms.templateId, agentId);
  const parts = composeAgreement({
    locale: template.locale,
    template: {
      body: template.body,
      dataProcessingTerms: terms.dataProcessingTerms || template.dataProcessingTerms,
    },
    terms,
    parties: {
      school: known.name,
      register: known.register,
      registerNumber: known.registerNumber,
      country: known.country,
      agent: agent.name,
    },
    marketplace: await marketplaceName(tx),
    attachment,
  });
  return {
    templateId: template.id,
    termStart: terms.termStart,
    termEnd: terms.termEnd,
    products: terms.products === 'all' ? ['all'] : terms.products,
    priceNote: terms.priceNote,
    graceDays: terms.graceDays,
    signatoryName: terms.signatoryName,
    signatoryEmail: terms.signatoryEmail,
    attachmentDocumentId: attachment?.documentId ?? null,
    ...parts,
  };
}
