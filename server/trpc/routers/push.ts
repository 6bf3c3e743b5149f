import { answerProposals } from '#server/features/push/answer-proposals.ts';
import { approvePush } from '#server/features/push/approve-push.ts';
import { choosePushEnding } from '#server/features/push/choose-ending.ts';
import { discardPush } from '#server/features/push/discard-push.ts';
import { listLedger } from '#server/features/push/list-ledger.ts';
import { listPushRows } from '#server/features/push/list-push-rows.ts';
import { previewAccounts } from '#server/features/push/preview-accounts.ts';
import { pushDetail } from '#server/features/push/push-detail.ts';
import { pushPage } from '#server/features/push/push-page.ts';
import { requestPush } from '#server/features/push/request-push.ts';
import { savePushSettings } from '#server/features/push/save-settings.ts';
import { mutation, query, router } from '../init.ts';

export const pushRouter = router({
  page: query(pushPage),
  saveSettings: mutation(savePushSettings),
  previewAccounts: query(previewAccounts),
  request: mutation(requestPush),
  run: query(pushDetail),
  rows: query(listPushRows),
  answer: mutation(answerProposals),
  approve: mutation(approvePush),
  discard: mutation(discardPush),
  ledger: query(listLedger),
  chooseEnding: mutation(choosePushEnding),
});
