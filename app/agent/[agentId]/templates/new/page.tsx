import type { Metadata } from 'next';
import Link from 'next/link';
import { getLocale, getTranslations } from 'next-intl/server';
import { TemplateForm } from '#components/agreements/template-form.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { placeholders } from '#server/features/agreements/agreement-text.ts';
import { starterText } from '#server/features/agreements/install-standard-template.ts';

interface Address {
  readonly params: Promise<{ agentId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('agreements.templates'))('newTitle') };
}

export default async function NewTemplate({ params }: Address) {
  const { agentId } = await params;
  const back = `/agent/${agentId}/templates`;
  await orRefuse((await pageCaller()).organisations.viewAgent({ agentId }), `${back}/new`);
  const t = await getTranslations('agreements.templates');
  return (
    <>
      <PageHeader above={<Link href={back}>{t('title')}</Link>} title={t('newTitle')} standing={t('newStanding')} />
      <TemplateForm
        agentId={agentId}
        template={{ id: null, name: '', ...starterText(await getLocale()), standard: false }}
        placeholders={placeholders}
        back={back}
      />
    </>
  );
}
