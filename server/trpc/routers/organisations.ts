import { createAgent } from '#server/features/organisations/create-agent.ts';
import { decideAgent, editAgent } from '#server/features/organisations/edit-agent.ts';
import { listAgents, viewAgent } from '#server/features/organisations/list-agents.ts';
import { mutation, query, router } from '../init.ts';

export const organisationsRouter = router({
  createAgent: mutation(createAgent),
  decideAgent: mutation(decideAgent),
  editAgent: mutation(editAgent),
  listAgents: query(listAgents),
  viewAgent: query(viewAgent),
});
