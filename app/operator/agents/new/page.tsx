import type { Metadata } from 'next';
import Link from 'next/link';
import { getLocale, getTranslations } from 'next-intl/server';
import { AgentForm } from '#components/operator/agent-form.tsx';
import { placeChoices } from '#components/schools/countries.ts';
import { PageHeader } from '#components/ui/page-header.tsx';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('organisations.form'))('title') };
}

export default async function NewAgent() {
  const t = await getTranslations('organisations');
  return (
    <>
      <PageHeader
        above={<Link href="/operator/agents">{t('agents.title')}</Link>}
        title={t('form.title')}
        standing={t('form.standing')}
      />
      <AgentForm countries={placeChoices(await getLocale()).countries} />
    </>
  );
}
