import type { Metadata } from 'next';
import Link from 'next/link';
import { redirect } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import { AgreementForm } from '#components/agent/agreement-form.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

interface Address {
  readonly params: Promise<{ agentId: string; schoolId: string; agreementId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('agreements.drawUp'))('editTitle') };
}

export default async function ReviseAgreement({ params }: Address) {
  const { agreementId, ...key } = await params;
  const here = `/agent/${key.agentId}/schools/${key.schoolId}/agreements/${agreementId}`;
  const caller = await pageCaller();
  const draft = await orRefuse(caller.agreements.view({ ...key, agreementId }), `${here}/edit`);
  if (!draft.possible.includes('revise')) redirect(here);
  const known = await caller.schools.viewSchoolOfAgent(key);
  const templates = await caller.agreements.listTemplates({ agentId: key.agentId });
  const t = await getTranslations('agreements.drawUp');
  return (
    <>
      <PageHeader
        above={<Link href={here}>{known.name}</Link>}
        title={t('editTitle')}
        standing={t('standing', { school: known.name })}
      />
      <AgreementForm
        {...key}
        templates={templates}
        contact={null}
        proposed={{ termStart: draft.termStart, termEnd: draft.termEnd }}
        draft={draft}
      />
    </>
  );
}
