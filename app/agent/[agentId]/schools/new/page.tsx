import type { Metadata } from 'next';
import Link from 'next/link';
import { getLocale, getTranslations } from 'next-intl/server';
import { SchoolForm } from '#components/agent/school-form.tsx';
import { placeChoices } from '#components/schools/countries.ts';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

interface Address {
  readonly params: Promise<{ agentId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('schools.add'))('title') };
}

export default async function AddSchool({ params }: Address) {
  const { agentId } = await params;
  await orRefuse((await pageCaller()).organisations.viewAgent({ agentId }), `/agent/${agentId}/schools/new`);
  const t = await getTranslations('schools');
  return (
    <>
      <PageHeader
        above={<Link href={`/agent/${agentId}`}>{t('pipeline.title')}</Link>}
        title={t('add.title')}
        standing={
          <>
            {t('add.standing')} {t('add.otherwise')}{' '}
            <Link href={`/agent/${agentId}/schools/import`}>{t('add.import')}</Link>
          </>
        }
      />
      <SchoolForm agentId={agentId} choices={placeChoices(await getLocale())} />
    </>
  );
}
