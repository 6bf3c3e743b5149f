import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { Members } from '#components/agent/members.tsx';
import { AgentDecisions } from '#components/operator/agent-decisions.tsx';
import { AgentStateBadge } from '#components/operator/tables.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { Facts } from '#components/ui/facts.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Day } from '#components/ui/relative-time.tsx';

interface Address {
  readonly params: Promise<{ agentId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('organisations.agents'))('name') };
}

/** An agent: its mandate, its domains, its people, and whether it may work. */
export default async function Agent({ params }: Address) {
  const { agentId } = await params;
  const caller = await pageCaller();
  const agent = await orRefuse(caller.organisations.viewAgent({ agentId }), `/operator/agents/${agentId}`);
  const { members, invitations } = await caller.people.listAgentMembers({ agentId });
  const t = await getTranslations('organisations');
  return (
    <>
      <PageHeader
        above={<Link href="/operator/agents">{t('agents.title')}</Link>}
        title={agent.name}
        standing={
          <span className="flex flex-wrap items-center gap-x-3">
            <AgentStateBadge agent={agent} />
            {t('agent.standing', { schools: agent.schools, inForce: agent.agreementsInForce })}
          </span>
        }
        action={
          <>
            <Button asChild>
              <Link href={`/operator/agents/${agentId}/edit`}>{t('form.editTitle')}</Link>
            </Button>
            <AgentDecisions agent={agent} />
          </>
        }
      />
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_340px]">
        <Members agentId={agentId} members={members} invitations={invitations} mayChange />
        <Card>
          <Facts
            items={[
              [t('agent.facts.country'), agent.country],
              [
                t('agent.facts.domains'),
                agent.emailDomains.length === 0 ? t('agent.facts.none') : agent.emailDomains.join(', '),
              ],
              [t('agent.facts.mandate'), t(agent.mayCountersign ? 'agent.facts.yes' : 'agent.facts.no')],
              [t('agent.facts.second'), t(agent.requiresTotp ? 'agent.facts.required' : 'agent.facts.optional')],
              [t('agent.facts.since'), <Day key="since" on={agent.createdAt} />],
              [
                t('agent.facts.reviewed'),
                agent.reviewedAt === null ? null : <Day key="reviewed" on={agent.reviewedAt} />,
              ],
            ]}
          />
        </Card>
      </div>
    </>
  );
}
