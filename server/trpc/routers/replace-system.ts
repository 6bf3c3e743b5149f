import { confirmGroups, decideLinks, linkByHand } from '#server/features/replace-system/decide-links.ts';
import { giveUpReplacement } from '#server/features/replace-system/give-up-replacement.ts';
import { listLinks, listUnmatched } from '#server/features/replace-system/list-links.ts';
import { proposeAgain } from '#server/features/replace-system/propose-again.ts';
import { replacementPage } from '#server/features/replace-system/replacement-page.ts';
import { replacementStanding } from '#server/features/replace-system/replacement-standing.ts';
import { startReplacement } from '#server/features/replace-system/start-replacement.ts';
import { switchSystem, undoSwitch } from '#server/features/replace-system/switch-system.ts';
import { mutation, query, router } from '../init.ts';

export const replaceSystemRouter = router({
  page: query(replacementPage),
  standing: query(replacementStanding),
  links: query(listLinks),
  unmatched: query(listUnmatched),
  start: mutation(startReplacement),
  proposeAgain: mutation(proposeAgain),
  decideLinks: mutation(decideLinks),
  confirmGroups: mutation(confirmGroups),
  linkByHand: mutation(linkByHand),
  giveUp: mutation(giveUpReplacement),
  switch: mutation(switchSystem),
  undo: mutation(undoSwitch),
});
