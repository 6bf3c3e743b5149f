import type { Metadata } from 'next';
import Link from 'next/link';
import { notFound } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { TemplateForm } from '#components/agreements/template-form.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { placeholders } from '#server/features/agreements/agreement-text.ts';

interface Address {
  readonly params: Promise<{ templateId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('agreements.templates'))('editTitle') };
}

export default async function EditTemplateOfOperator({ params }: Address) {
  const { templateId } = await params;
  const rows = await orRefuse((await pageCaller()).agreements.listTemplates({}), `/operator/templates/${templateId}`);
  const template = rows.find((row) => row.id === templateId);
  if (template === undefined) notFound();
  const t = await getTranslations('agreements.templates');
  return (
    <>
      <PageHeader
        above={<Link href="/operator/templates">{t('title')}</Link>}
        title={t('editTitle')}
        standing={t('editStanding')}
      />
      <TemplateForm template={template} placeholders={placeholders} back="/operator/templates" />
    </>
  );
}
