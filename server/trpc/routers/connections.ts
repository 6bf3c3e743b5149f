import { approveRequest } from '#server/features/connections/approve-request.ts';
import { decisionPage } from '#server/features/connections/decision-page.ts';
import { declineRequest } from '#server/features/connections/decline-request.ts';
import { draftRequest } from '#server/features/connections/draft-request.ts';
import { enterCredential } from '#server/features/connections/enter-credential.ts';
import { reviseRequest } from '#server/features/connections/revise-request.ts';
import { sendRequest } from '#server/features/connections/send-request.ts';
import { testCredential } from '#server/features/connections/test-credential.ts';
import { withdrawRequest } from '#server/features/connections/withdraw-request.ts';
import { mutation, query, router } from '../init.ts';

export const connectionsRouter = router({
  draftRequest: mutation(draftRequest),
  reviseRequest: mutation(reviseRequest),
  sendRequest: mutation(sendRequest),
  withdrawRequest: mutation(withdrawRequest),
  decisionPage: query(decisionPage),
  approveRequest: mutation(approveRequest),
  declineRequest: mutation(declineRequest),
  enterCredential: mutation(enterCredential),
  testCredential: mutation(testCredential),
});
