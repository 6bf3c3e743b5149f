import { installStandardTemplate } from '#server/features/agreements/install-standard-template.ts';
import { createAgent } from '#server/features/organisations/create-agent.ts';
import { ensureFirstOperator } from '#server/features/people/first-operator.ts';
import { inviteAgentMember } from '#server/features/people/invite-agent-member.ts';
import type { Cast, Stage } from '../persons.ts';

export interface Marketplace {
  readonly operator: string;
  /** The operator's standard agreement. */
  readonly templateId: string;
}

interface Person {
  readonly name: string;
  readonly email: string;
}

/** The first operator opens the printed link; the standard agreement is there. */
export async function bringOperator(cast: Cast, stage: Stage, operator: Person): Promise<Marketplace> {
  const system = stage.context({ kind: 'system', reason: 'demo' });
  const printed = await ensureFirstOperator(system, { email: null, baseUrl: stage.baseUrl, name: 'Schoolwijs' });
  if (printed !== null) await cast.acceptPrintedLink(printed, operator.email, operator.name);
  const { templateId } = await installStandardTemplate({ ctx: system, input: {} });
  return { operator: operator.email, templateId };
}

/** The operator takes an agent on with the mandate to countersign; its administrator invites a colleague. */
export async function bringAgent(
  cast: Cast,
  { operator }: Marketplace,
  agent: { name: string; country: string; emailDomains: string[]; administrator: Person; agent: Person },
): Promise<{ agentId: string }> {
  const { administrator, agent: colleague, ...details } = agent;
  const { agentId } = await createAgent({
    ctx: await cast.as(operator),
    input: { ...details, mayCountersign: true, administrator },
  });
  await cast.acceptInvitation(administrator.email, administrator.name);
  await inviteAgentMember({
    ctx: await cast.as(administrator.email),
    input: { agentId, ...colleague, roles: ['agent'] },
  });
  await cast.acceptInvitation(colleague.email, colleague.name);
  return { agentId };
}
