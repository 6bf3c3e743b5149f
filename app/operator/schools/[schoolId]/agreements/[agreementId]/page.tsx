import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { AgreementFacts } from '#components/agreements/agreement-facts.tsx';
import { AgreementPaper } from '#components/agreements/agreement-paper.tsx';
import { CountersignButton, RefuseCountersignatureButton } from '#components/agreements/countersign-actions.tsx';
import { NoticeButton } from '#components/agreements/notice-button.tsx';
import { PrintButtons } from '#components/agreements/print-buttons.tsx';
import { MoveButton } from '#components/operator/move-button.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Button } from '#components/ui/button.tsx';
import { Ask, Card } from '#components/ui/card.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string; agreementId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('agreements.list'))('agreement') };
}

/** An agreement as the operator reads it before he countersigns. */
export default async function AgreementOfOperator({ params }: Address) {
  const key = await params;
  const here = `/operator/schools/${key.schoolId}/agreements/${key.agreementId}`;
  const caller = await pageCaller();
  const agreement = await orRefuse(caller.agreements.view(key), here);
  const agents = agreement.possible.includes('move') ? await caller.organisations.listAgents({}) : [];
  const t = await getTranslations('agreements');
  const school = agreement.schoolName ?? '';
  const toCountersign = agreement.possible.includes('countersign');
  const trusted = agreement.trust === 'trusted';
  const others = agents.filter(
    (agent) => agent.agentId !== agreement.agentId && agent.reviewedAt !== null && agent.suspendedAt === null,
  );
  return (
    <>
      <PageHeader
        above={
          <Link href="/operator/agreements" className="print:hidden">
            {t('list.title')}
          </Link>
        }
        title={t('list.of', { school })}
        standing={agreement.agentName ?? t('list.standardName')}
        action={<PrintButtons text={agreement.text} fileName={`agreement-${agreement.id}.txt`} />}
      />
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_340px] print:block">
        <div className="max-lg:order-2">
          <AgreementPaper agreement={agreement} />
        </div>
        <aside className="grid gap-4 print:hidden">
          {toCountersign && !trusted && (
            <Ask
              action={
                <Button asChild variant="primary">
                  <Link href={`/operator/schools/${key.schoolId}`}>{t('countersignPage.toReview')}</Link>
                </Button>
              }
            >
              <strong className="block">{t('countersignPage.trustFirst')}</strong>
              <span className="text-ink-2">{t('countersignPage.trustFirstBody')}</span>
            </Ask>
          )}
          <Card className="grid gap-4">
            <AgreementFacts agreement={agreement} documents={`${here}/document`} />
            <Link href={`/operator/schools/${key.schoolId}`}>{school}</Link>
            <div className="flex flex-wrap gap-2">
              {toCountersign && trusted && agreement.unchanged && (
                <CountersignButton agreement={agreement} school={school} />
              )}
              {agreement.possible.includes('refuse-countersignature') && (
                <RefuseCountersignatureButton agreement={agreement} />
              )}
              {agreement.move === null && others.length > 0 && <MoveButton agreement={agreement} agents={others} />}
              {agreement.possible.includes('give-notice') && <NoticeButton agreement={agreement} />}
            </div>
            {agreement.move !== null && (
              <p className="text-ink-2 text-sm">{t('move.waits', { to: agreement.move.toAgentName })}</p>
            )}
          </Card>
        </aside>
      </div>
    </>
  );
}
