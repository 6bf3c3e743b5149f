import {
  issueClient,
  reissueSecret,
  revokeClient,
  setClientKeys,
  setSignedCalls,
} from '#server/features/consumers/steer-client.ts';
import { mutation, router } from '../init.ts';

export const consumersRouter = router({
  issueClient: mutation(issueClient),
  reissueSecret: mutation(reissueSecret),
  revokeClient: mutation(revokeClient),
  setSignedCalls: mutation(setSignedCalls),
  setClientKeys: mutation(setClientKeys),
});
