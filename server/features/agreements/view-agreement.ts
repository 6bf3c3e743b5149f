import { and, eq, inArray, isNull } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { agreementMove, appUser, document, organisation } from '#db/schema/index.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { addDays, localDate } from '#server/kernel/local-date.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { type AgreementRow, agreementInSchool, factsOf } from './agreement-row.ts';
import { hashOfText, shownText } from './agreement-text.ts';
import { agentMayCountersign } from './ask-for-countersignature.ts';
import { schoolInScope } from './school-facts.ts';
import { type AgreementAct, agreementActs, judge, turnOf } from './state-machine.ts';

/** What stands between two parties, for either of them: everything but other agreements. */
export async function describeAgreement(tx: Tx, row: AgreementRow) {
  const ids = [row.signedBy, row.paperEnteredBy, row.paperConfirmedBy, row.countersignedBy, row.draftedBy].filter(
    (id) => id !== null,
  );
  const people = new Map(
    (await tx.select({ id: appUser.id, name: appUser.name }).from(appUser).where(inArray(appUser.id, ids))).map(
      (person) => [person.id, person.name],
    ),
  );
  const nameOf = (id: string | null) => (id === null ? null : (people.get(id) ?? null));
  const agent =
    row.agentId === null
      ? undefined
      : await tx.query.organisation.findFirst({ where: eq(organisation.id, row.agentId) });
  const documentIds = [row.attachmentDocumentId, row.scanDocumentId].filter((id) => id !== null);
  const documents =
    documentIds.length === 0
      ? []
      : await tx
          .select({
            id: document.id,
            kind: document.kind,
            fileName: document.fileName,
            contentType: document.contentType,
            sha256: document.sha256,
          })
          .from(document)
          .where(and(eq(document.schoolId, row.schoolId), inArray(document.id, documentIds)));
  const facts = factsOf(row);
  const mandated = await agentMayCountersign(tx, row.agentId);
  const possible = agreementActs.filter((act): act is AgreementAct => 'to' in judge(facts, act));
  const endsOn = row.endsOn ?? row.termEnd;
  return {
    id: row.id,
    schoolId: row.schoolId,
    agentId: row.agentId,
    agentName: agent?.name ?? null,
    agentMayCountersign: mandated,
    state: row.state,
    turn: turnOf({ ...facts, agentMayCountersign: mandated }),
    possible,
    paperWaits: facts.paperWaits,
    countersigned: facts.countersigned,
    templateId: row.templateId,
    termStart: row.termStart,
    termEnd: row.termEnd,
    products: row.products,
    priceNote: row.priceNote,
    graceDays: row.graceDays,
    dataProcessingTerms: row.dataProcessingTerms,
    text: shownText(row),
    /** Of exactly `text`. */
    textHash: row.textHash ?? hashOfText(row),
    unchanged: row.textHash === null || hashOfText(row) === row.textHash,
    draftedByName: nameOf(row.draftedBy),
    createdAt: row.createdAt,
    sentAt: row.sentAt,
    signatoryName: row.signatoryName,
    signatoryEmail: row.signatoryEmail,
    signedName: row.signedName,
    signedAt: row.signedAt,
    signedHash: row.signedHash,
    paperSignedOn: row.paperSignedOn,
    paperEnteredByName: nameOf(row.paperEnteredBy),
    paperConfirmedByName: nameOf(row.paperConfirmedBy),
    paperConfirmedAt: row.paperConfirmedAt,
    countersignedName: row.countersignedName,
    countersignedAt: row.countersignedAt,
    inForceAt: row.inForceAt,
    declinedBy: row.declinedBy,
    declinedReason: row.declinedReason,
    noticeBy: row.noticeBy,
    noticeReason: row.noticeReason,
    noticeAt: row.noticeAt,
    endsOn,
    graceEndsOn: addDays(endsOn, row.graceDays),
    endedAt: row.endedAt,
    graceEndedAt: row.graceEndedAt,
    attachment: documents.find((one) => one.id === row.attachmentDocumentId) ?? null,
    scan: documents.find((one) => one.id === row.scanDocumentId) ?? null,
  };
}

/** An agreement with its text, as its school, its own agent or the operator reads it; what can be done with it now, and by whom. */
export const viewAgreement = defineVerb({
  name: 'agreements.view',
  kind: 'query',
  access: [
    { school: schoolRoles },
    { agent: ['agent', 'agent-administrator'], serves: 'prospect' },
    { operator: true },
  ],
  input: z.object({ schoolId: idSchema, agreementId: idSchema, agentId: idSchema.optional() }),
  run: async ({ ctx, tx, input, party }) => {
    const asAgent = party.as === 'agent' && party.agentId !== null ? { agentId: party.agentId } : {};
    const row = await agreementInSchool(tx, { schoolId: input.schoolId, agreementId: input.agreementId, ...asAgent });
    const school = await schoolInScope(tx, input.schoolId);
    const [move] = await tx
      .select({
        id: agreementMove.id,
        toAgentName: organisation.name,
        reason: agreementMove.reason,
        proposedAt: agreementMove.proposedAt,
      })
      .from(agreementMove)
      .innerJoin(organisation, eq(organisation.id, agreementMove.toAgentId))
      .where(
        and(
          eq(agreementMove.schoolId, input.schoolId),
          eq(agreementMove.agreementId, row.id),
          isNull(agreementMove.answer),
        ),
      );
    return {
      ...(await describeAgreement(tx, row)),
      today: localDate(ctx.clock.now(), school.timeZone),
      /** Shown to the school and the operator; the agent learns of trust when it stands in his way. */
      trust: party.as === 'agent' && row.signedAt === null ? null : school.trust,
      schoolName: party.as === 'agent' ? null : school.name,
      move: party.as === 'agent' ? null : (move ?? null),
      reader: {
        as: party.as,
        roles: party.memberships.map(({ role }) => role),
      },
    };
  },
});
