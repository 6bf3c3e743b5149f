import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { Members } from '#components/agent/members.tsx';
import { SecondFactorSwitch } from '#components/agent/second-factor-switch.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Section } from '#components/ui/card.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

interface Address {
  readonly params: Promise<{ agentId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('schools.people'))('title') };
}

/** The agent's people, and whether they need a second factor. */
export default async function PeopleOfAgent({ params }: Address) {
  const { agentId } = await params;
  const caller = await pageCaller();
  const list = await orRefuse(caller.people.listAgentMembers({ agentId }), `/agent/${agentId}/people`);
  const agent = await caller.organisations.viewAgent({ agentId });
  const t = await getTranslations('schools.people');
  return (
    <>
      <PageHeader title={t('title')} standing={t('standing', { count: list.members.length, agent: agent.name })} />
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_340px]">
        <Members agentId={agentId} members={list.members} invitations={list.invitations} mayChange={list.mayChange} />
        {list.mayChange && (
          <Section title={t('second')}>
            <SecondFactorSwitch agentId={agentId} required={agent.requiresTotp} />
          </Section>
        )}
      </div>
    </>
  );
}
