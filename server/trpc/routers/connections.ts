import { approveRequest } from '#server/features/connections/approve-request.ts';
import { connectionPage } from '#server/features/connections/connection-page.ts';
import { connectionsForAgent } from '#server/features/connections/connections-for-agent.ts';
import { decisionPage } from '#server/features/connections/decision-page.ts';
import { declineRequest } from '#server/features/connections/decline-request.ts';
import { draftRequest } from '#server/features/connections/draft-request.ts';
import { enterCredential } from '#server/features/connections/enter-credential.ts';
import { finishConsent } from '#server/features/connections/finish-consent.ts';
import { inbox } from '#server/features/connections/inbox.ts';
import { lookForIds } from '#server/features/connections/look-for-ids.ts';
import { narrowGrant } from '#server/features/connections/narrow-grant.ts';
import { pair, pairingPage } from '#server/features/connections/pair.ts';
import { pauseConnection } from '#server/features/connections/pause-connection.ts';
import { previewRequest } from '#server/features/connections/preview-request.ts';
import { receipts } from '#server/features/connections/receipts.ts';
import { exportRegister, registerOfAccess } from '#server/features/connections/register-of-access.ts';
import { renewals, renewConnections } from '#server/features/connections/renew-connections.ts';
import { requestsOfAsker } from '#server/features/connections/requests-of-asker.ts';
import { resumeConnection } from '#server/features/connections/resume-connection.ts';
import { reviseRequest } from '#server/features/connections/revise-request.ts';
import { revokeConnection } from '#server/features/connections/revoke-connection.ts';
import { schoolGraph } from '#server/features/connections/school-graph.ts';
import { sendPairingLink } from '#server/features/connections/send-pairing-link.ts';
import { sendRequest } from '#server/features/connections/send-request.ts';
import { sendToTechnicalContact } from '#server/features/connections/send-to-technical-contact.ts';
import { startConsent } from '#server/features/connections/start-consent.ts';
import { releaseEverything, stopEverything } from '#server/features/connections/stop-everything.ts';
import { testCredential } from '#server/features/connections/test-credential.ts';
import { withdrawRequest } from '#server/features/connections/withdraw-request.ts';
import { listProviderRequests } from '#server/features/provider/list-provider-requests.ts';
import { mutation, query, router } from '../init.ts';

export const connectionsRouter = router({
  // asking
  requestsOfAsker: query(requestsOfAsker),
  draftRequest: mutation(draftRequest),
  reviseRequest: mutation(reviseRequest),
  sendRequest: mutation(sendRequest),
  withdrawRequest: mutation(withdrawRequest),
  sendPairingLink: mutation(sendPairingLink),
  pairingPage: query(pairingPage),
  pair: mutation(pair),
  // deciding
  decisionPage: query(decisionPage),
  previewRequest: mutation(previewRequest),
  approveRequest: mutation(approveRequest),
  declineRequest: mutation(declineRequest),
  renewals: query(renewals),
  renew: mutation(renewConnections),
  // connecting
  sendToTechnicalContact: mutation(sendToTechnicalContact),
  enterCredential: mutation(enterCredential),
  testCredential: mutation(testCredential),
  startConsent: mutation(startConsent),
  finishConsent: mutation(finishConsent),
  lookForIds: mutation(lookForIds),
  // steering
  pause: mutation(pauseConnection),
  resume: mutation(resumeConnection),
  narrow: mutation(narrowGrant),
  revoke: mutation(revokeConnection),
  stopEverything: mutation(stopEverything),
  releaseEverything: mutation(releaseEverything),
  // seeing
  schoolGraph: query(schoolGraph),
  inbox: query(inbox),
  page: query(connectionPage),
  register: query(registerOfAccess),
  exportRegister: mutation(exportRegister),
  receipts: query(receipts),
  providerRequests: query(listProviderRequests),
  forAgent: query(connectionsForAgent),
});
