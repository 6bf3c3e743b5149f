import { listWithheld } from '#server/features/withheld/list-withheld.ts';
import { releasePerson } from '#server/features/withheld/release-person.ts';
import { withholdAhead } from '#server/features/withheld/withhold-ahead.ts';
import { withholdPerson } from '#server/features/withheld/withhold-person.ts';
import { mutation, query, router } from '../init.ts';

export const withheldRouter = router({
  list: query(listWithheld),
  withhold: mutation(withholdPerson),
  withholdAhead: mutation(withholdAhead),
  release: mutation(releasePerson),
});
