import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { AskConnection } from '#components/agent/ask-connection.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

interface Address {
  readonly params: Promise<{ agentId: string; schoolId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('schools.ask'))('title') };
}

export default async function AskForConnection({ params }: Address) {
  const key = await params;
  const base = `/agent/${key.agentId}/schools/${key.schoolId}`;
  const caller = await pageCaller();
  const known = await orRefuse(caller.schools.viewSchoolOfAgent(key), `${base}/ask`);
  const { systems } = await orRefuse(caller.connections.requestsOfAsker(key), `${base}/ask`);
  const products = await caller.systems.toAdd({});
  const t = await getTranslations('schools.ask');
  return (
    <>
      <PageHeader
        above={<Link href={base}>{known.name}</Link>}
        title={t('title')}
        standing={t('standing', { school: known.name })}
      />
      <AskConnection {...key} systems={systems} products={products} />
    </>
  );
}
