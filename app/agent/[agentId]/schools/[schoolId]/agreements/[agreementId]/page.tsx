import type { Metadata } from 'next';
import Link from 'next/link';
import { getTranslations } from 'next-intl/server';
import { AgreementActions } from '#components/agent/agreement-actions.tsx';
import { AgreementFacts } from '#components/agreements/agreement-facts.tsx';
import { AgreementPaper } from '#components/agreements/agreement-paper.tsx';
import { PrintButtons } from '#components/agreements/print-buttons.tsx';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Card } from '#components/ui/card.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';

interface Address {
  readonly params: Promise<{ agentId: string; schoolId: string; agreementId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('agreements.list'))('agreement') };
}

/** An agreement as its agent sees it: the text, how it stands, what to do. */
export default async function AgreementOfAgent({ params }: Address) {
  const key = await params;
  const base = `/agent/${key.agentId}/schools/${key.schoolId}`;
  const here = `${base}/agreements/${key.agreementId}`;
  const caller = await pageCaller();
  const agreement = await orRefuse(caller.agreements.view(key), here);
  const known = await orRefuse(
    caller.schools.viewSchoolOfAgent({ agentId: key.agentId, schoolId: key.schoolId }),
    here,
  );
  const t = await getTranslations('agreements');
  return (
    <>
      <PageHeader
        above={
          <Link href={base} className="print:hidden">
            {known.name}
          </Link>
        }
        title={t('list.of', { school: known.name })}
        action={<PrintButtons text={agreement.text} fileName={`agreement-${agreement.id}.txt`} />}
      />
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_340px] print:block">
        <div className="max-lg:order-2">
          <AgreementPaper agreement={agreement} />
        </div>
        <Card className="grid gap-4 print:hidden">
          <AgreementFacts agreement={agreement} documents={`${here}/document`} />
          <AgreementActions
            agreement={agreement}
            agentId={key.agentId}
            school={known.name}
            administrator={agreement.reader.roles.includes('agent-administrator')}
          />
        </Card>
      </div>
    </>
  );
}
