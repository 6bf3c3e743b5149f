import { lookNow } from '#server/features/packages/look-now.ts';
import { packagesPage } from '#server/features/packages/packages-page.ts';
import { sourceOfSystem } from '#server/features/packages/source-of-system.ts';
import { mutation, query, router } from '../init.ts';

export const packagesRouter = router({
  page: query(packagesPage),
  source: query(sourceOfSystem),
  lookNow: mutation(lookNow),
});
