import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { AgreementForm } from '#components/agent/agreement-form.tsx';
import { orRefuse, pageCaller, pageContext } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { standardTermEnd } from '#server/features/agreements/take-standard-agreement.ts';
import { localDate } from '#server/kernel/local-date.ts';

interface Address {
  readonly params: Promise<{ agentId: string; schoolId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('agreements.drawUp'))('title') };
}

export default async function DrawUpAgreement({ params }: Address) {
  const key = await params;
  const base = `/agent/${key.agentId}/schools/${key.schoolId}`;
  const caller = await pageCaller();
  const known = await orRefuse(caller.schools.viewSchoolOfAgent(key), `${base}/agreements/new`);
  const templates = await caller.agreements.listTemplates({ agentId: key.agentId });
  const t = await getTranslations('agreements.drawUp');
  const today = localDate((await pageContext()).clock.now(), known.timeZone);
  const [contact] = known.contacts;
  return (
    <>
      <PageHeader
        above={<Link href={base}>{known.name}</Link>}
        title={t('title')}
        standing={t('standing', { school: known.name })}
      />
      {templates.length === 0 ? (
        <EmptyState
          title={t('noTemplate')}
          action={
            <Button asChild>
              <Link href={`/agent/${key.agentId}/templates`}>{t('toTemplates')}</Link>
            </Button>
          }
        />
      ) : (
        <AgreementForm
          {...key}
          templates={templates}
          contact={contact ?? null}
          proposed={{ termStart: today, termEnd: standardTermEnd(today) }}
        />
      )}
    </>
  );
}
