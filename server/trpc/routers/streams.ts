import { addStream } from '#server/features/streams/add-stream.ts';
import { chooseStream } from '#server/features/streams/choose-stream.ts';
import { fileGroups } from '#server/features/streams/file-groups.ts';
import { groupsToFile } from '#server/features/streams/groups-to-file.ts';
import { importOwnList } from '#server/features/streams/import-own-list.ts';
import { mergeStream } from '#server/features/streams/merge-stream.ts';
import { resetStreams } from '#server/features/streams/reset-streams.ts';
import { streamsPage } from '#server/features/streams/streams-page.ts';
import { mutation, query, router } from '../init.ts';

export const streamsRouter = router({
  page: query(streamsPage),
  groups: query(groupsToFile),
  choose: mutation(chooseStream),
  merge: mutation(mergeStream),
  add: mutation(addStream),
  importOwnList: mutation(importOwnList),
  fileGroups: mutation(fileGroups),
  reset: mutation(resetStreams),
});
