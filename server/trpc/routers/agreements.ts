import { answerMove } from '#server/features/agreements/answer-move.ts';
import { answerPaperSignature } from '#server/features/agreements/answer-paper-signature.ts';
import { countersignAgreement } from '#server/features/agreements/countersign-agreement.ts';
import { declineAgreement } from '#server/features/agreements/decline-agreement.ts';
import { drawUpAgreement } from '#server/features/agreements/draw-up-agreement.ts';
import { enterPaperSignature } from '#server/features/agreements/enter-paper-signature.ts';
import { exportAgreements } from '#server/features/agreements/export-agreements.ts';
import { giveNotice } from '#server/features/agreements/give-notice.ts';
import { listAgreements } from '#server/features/agreements/list-agreements.ts';
import { listTemplates } from '#server/features/agreements/list-templates.ts';
import { listToCountersign } from '#server/features/agreements/list-to-countersign.ts';
import { proposeMove } from '#server/features/agreements/propose-move.ts';
import { readDocument } from '#server/features/agreements/read-document.ts';
import { refuseCountersignature } from '#server/features/agreements/refuse-countersignature.ts';
import { reviseAgreement } from '#server/features/agreements/revise-agreement.ts';
import { retireTemplate, saveTemplate } from '#server/features/agreements/save-template.ts';
import { sendAgreementAgain } from '#server/features/agreements/send-again.ts';
import { sendAgreement } from '#server/features/agreements/send-agreement.ts';
import { signAgreement } from '#server/features/agreements/sign-agreement.ts';
import { takeStandardAgreement } from '#server/features/agreements/take-standard-agreement.ts';
import { viewAgreement } from '#server/features/agreements/view-agreement.ts';
import { withdrawAgreement } from '#server/features/agreements/withdraw-agreement.ts';
import { mutation, query, router } from '../init.ts';

export const agreementsRouter = router({
  answerMove: mutation(answerMove),
  answerPaperSignature: mutation(answerPaperSignature),
  countersign: mutation(countersignAgreement),
  decline: mutation(declineAgreement),
  drawUp: mutation(drawUpAgreement),
  enterPaperSignature: mutation(enterPaperSignature),
  export: mutation(exportAgreements),
  giveNotice: mutation(giveNotice),
  list: query(listAgreements),
  listTemplates: query(listTemplates),
  listToCountersign: query(listToCountersign),
  proposeMove: mutation(proposeMove),
  readDocument: query(readDocument),
  refuseCountersignature: mutation(refuseCountersignature),
  retireTemplate: mutation(retireTemplate),
  revise: mutation(reviseAgreement),
  saveTemplate: mutation(saveTemplate),
  send: mutation(sendAgreement),
  sendAgain: mutation(sendAgreementAgain),
  sign: mutation(signAgreement),
  takeStandard: mutation(takeStandardAgreement),
  view: query(viewAgreement),
  withdraw: mutation(withdrawAgreement),
});
