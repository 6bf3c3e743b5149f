import { addSystem } from '#server/features/systems/add-system.ts';
import { confirmAddress, enterAddress } from '#server/features/systems/enter-address.ts';
import { removeSystem } from '#server/features/systems/remove-system.ts';
import { setUpPage, systemPage } from '#server/features/systems/system-page.ts';
import { systemsToAdd } from '#server/features/systems/systems-to-add.ts';
import { dismissTechnicalContact, nameTechnicalContact } from '#server/features/systems/technical-contacts.ts';
import { mutation, query, router } from '../init.ts';

export const systemsRouter = router({
  toAdd: query(systemsToAdd),
  add: mutation(addSystem),
  page: query(systemPage),
  setUpPage: query(setUpPage),
  enterAddress: mutation(enterAddress),
  confirmAddress: mutation(confirmAddress),
  nameTechnicalContact: mutation(nameTechnicalContact),
  dismissTechnicalContact: mutation(dismissTechnicalContact),
  remove: mutation(removeSystem),
});
