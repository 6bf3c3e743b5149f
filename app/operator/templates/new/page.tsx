import type { Metadata } from 'next';
import Link from 'next/link';
import { getLocale, getTranslations } from 'next-intl/server';
import { TemplateForm } from '#components/agreements/template-form.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { placeholders } from '#server/features/agreements/agreement-text.ts';
import { starterText } from '#server/features/agreements/install-standard-template.ts';

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('agreements.templates'))('newTitle') };
}

export default async function NewTemplateOfOperator() {
  const rows = await orRefuse((await pageCaller()).agreements.listTemplates({}), '/operator/templates/new');
  const t = await getTranslations('agreements.templates');
  return (
    <>
      <PageHeader
        above={<Link href="/operator/templates">{t('title')}</Link>}
        title={t('newTitle')}
        standing={t('newStanding')}
      />
      <TemplateForm
        template={{
          id: null,
          name: '',
          ...starterText(await getLocale()),
          standard: !rows.some((row) => row.standard),
        }}
        placeholders={placeholders}
        back="/operator/templates"
      />
    </>
  );
}
