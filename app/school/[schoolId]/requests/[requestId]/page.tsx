import type { Metadata } from 'next';
import { getTranslations } from 'next-intl/server';
import { DecisionPage } from '#components/connections/decision/decision-page.tsx';
import { Hydrate, prefetch, trpc } from '#components/trpc/server.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string; requestId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations('decision');
  return { title: t('metaTitle') };
}

/** One request, with everything that its decision needs. */
export default async function Request({ params }: Address) {
  const input = await params;
  await prefetch(
    trpc.connections.decisionPage.queryOptions(input),
    `/school/${input.schoolId}/requests/${input.requestId}`,
  );
  return (
    <Hydrate>
      <DecisionPage {...input} />
    </Hydrate>
  );
}
