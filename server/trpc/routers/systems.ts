import { addSystem } from '#server/features/systems/add-system.ts';
import { dismissTechnicalContact, nameTechnicalContact } from '#server/features/systems/technical-contacts.ts';
import { mutation, router } from '../init.ts';

export const systemsRouter = router({
  add: mutation(addSystem),
  nameTechnicalContact: mutation(nameTechnicalContact),
  dismissTechnicalContact: mutation(dismissTechnicalContact),
});
