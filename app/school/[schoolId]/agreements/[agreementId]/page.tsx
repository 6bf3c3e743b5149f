import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { AgreementFacts } from '#components/agreements/agreement-facts.tsx';
import { AgreementPaper } from '#components/agreements/agreement-paper.tsx';
import { MoveCard } from '#components/agreements/move-card.tsx';
import { NoticeButton } from '#components/agreements/notice-button.tsx';
import { PaperConfirmCard } from '#components/agreements/paper-confirm-card.tsx';
import { PrintButtons } from '#components/agreements/print-buttons.tsx';
import { SignCard } from '#components/agreements/sign-card.tsx';
import { TrustNotice } from '#components/agreements/trust-notice.tsx';
import { readerOf } from '#components/school/reader.ts';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Card } from '#components/ui/card.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string; agreementId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('agreements.list'))('title') };
}

/** An agreement as the school reads it, signs it, prints it. */
export default async function SchoolAgreement({ params }: Address) {
  const key = await params;
  const here = `/school/${key.schoolId}/agreements/${key.agreementId}`;
  const agreement = await orRefuse((await pageCaller()).agreements.view(key), here);
  const reader = await readerOf(key.schoolId);
  const t = await getTranslations('agreements');
  const signatory = reader.roles.includes('signatory');
  const mayConfirm = signatory || reader.roles.includes('school-administrator');
  const toSign = agreement.possible.includes('sign');
  const documents = `${here}/document`;
  const standing =
    agreement.move !== null
      ? t('move.title', { to: agreement.move.toAgentName })
      : agreement.paperWaits
        ? t('stateLong.paper')
        : agreement.state === 'signed' && agreement.countersigned
          ? t('stateLong.waits')
          : t(`stateLong.${agreement.state}`);
  return (
    <>
      <PageHeader
        above={
          <Link href={`/school/${key.schoolId}/agreements`} className="print:hidden">
            {t('list.title')}
          </Link>
        }
        title={agreement.agentName === null ? t('list.standardName') : t('list.with', { agent: agreement.agentName })}
        standing={standing}
        action={<PrintButtons text={agreement.text} fileName={`agreement-${agreement.id}.txt`} />}
      />
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_340px] print:block">
        <AgreementPaper agreement={agreement} />
        <aside className="grid gap-4 print:hidden">
          <TrustNotice trust={agreement.trust} />
          {agreement.move !== null && <MoveCard agreement={agreement} mayAnswer={signatory} />}
          {agreement.paperWaits && mayConfirm && <PaperConfirmCard agreement={agreement} documents={documents} />}
          {toSign && signatory && agreement.unchanged && <SignCard agreement={agreement} name={reader.name} />}
          <Card className="grid gap-4">
            <AgreementFacts agreement={agreement} documents={documents} />
            {toSign && !signatory && <p className="text-ink-2 text-sm">{t('sign.notSignatory')}</p>}
            {agreement.possible.includes('give-notice') && signatory && <NoticeButton agreement={agreement} />}
          </Card>
        </aside>
      </div>
    </>
  );
}
