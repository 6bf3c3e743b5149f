import type { Metadata } from 'next';
import Link from 'next/link';
import { getLocale, getTranslations } from 'next-intl/server';
import { AgentForm } from '#components/operator/agent-form.tsx';
import { placeChoices } from '#components/schools/countries.ts';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

interface Address {
  readonly params: Promise<{ agentId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('organisations.form'))('editTitle') };
}

export default async function EditAgent({ params }: Address) {
  const { agentId } = await params;
  const agent = await orRefuse(
    (await pageCaller()).organisations.viewAgent({ agentId }),
    `/operator/agents/${agentId}/edit`,
  );
  const t = await getTranslations('organisations.form');
  return (
    <>
      <PageHeader above={<Link href={`/operator/agents/${agentId}`}>{agent.name}</Link>} title={t('editTitle')} />
      <AgentForm agent={agent} countries={placeChoices(await getLocale()).countries} />
    </>
  );
}
