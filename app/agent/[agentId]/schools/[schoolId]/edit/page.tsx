import type { Metadata } from 'next';
import Link from 'next/link';
import { getLocale, getTranslations } from 'next-intl/server';
import { SchoolForm } from '#components/agent/school-form.tsx';
import { placeChoices } from '#components/schools/countries.ts';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

interface Address {
  readonly params: Promise<{ agentId: string; schoolId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('schools.edit'))('title') };
}

export default async function EditSchool({ params }: Address) {
  const key = await params;
  const back = `/agent/${key.agentId}/schools/${key.schoolId}`;
  const known = await orRefuse((await pageCaller()).schools.viewSchoolOfAgent(key), `${back}/edit`);
  const t = await getTranslations('schools');
  const number = t('school.number', { register: known.register, number: known.registerNumber });
  return (
    <>
      <PageHeader
        above={<Link href={back}>{known.name}</Link>}
        title={t('edit.title')}
        standing={t('edit.standing', { number })}
      />
      <SchoolForm {...key} choices={placeChoices(await getLocale())} known={known} />
    </>
  );
}
