import type { Metadata } from 'next';
import { getFormatter, getTranslations } from 'next-intl/server';
import { AgreementsTable } from '#components/agreements/agreements-table.tsx';
import { ExportButton, TakeStandardButton } from '#components/agreements/school-agreement-actions.tsx';
import { TrustNotice } from '#components/agreements/trust-notice.tsx';
import { readerOf } from '#components/school/reader.ts';
import { orRefuse, pageCaller } from '#components/trpc/server.tsx';
import { Section } from '#components/ui/card.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Day } from '#components/ui/relative-time.tsx';

interface Address {
  readonly params: Promise<{ schoolId: string }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations('agreements.school'))('title') };
}

const endReasons = ['term-over', 'notice-by-school', 'notice-by-agent', 'notice-by-operator'] as const;

/** The school's agreements: what waits, what is in force, what ended, and a way to take everything along. */
export default async function SchoolAgreements({ params }: Address) {
  const { schoolId } = await params;
  const list = await orRefuse((await pageCaller()).agreements.list({ schoolId }), `/school/${schoolId}/agreements`);
  const reader = await readerOf(schoolId);
  const t = await getTranslations('agreements.school');
  const listTexts = await getTranslations('agreements.list');
  const format = await getFormatter();
  const { agreements, receipts } = list;
  const signatory = reader.roles.includes('signatory');
  const mayTake = signatory || reader.roles.includes('school-administrator');
  const sent = agreements.filter((row) => row.state === 'sent');
  const inForce = agreements.filter((row) => row.state === 'in-force');
  const notice = agreements.find((row) => row.state === 'notice-given');
  const day = (on: string) => format.dateTime(new Date(`${on}T00:00:00Z`), { dateStyle: 'long', timeZone: 'UTC' });
  const until = inForce
    .map((row) => row.endsOn)
    .toSorted()
    .at(-1);
  const standing =
    sent.length > 0
      ? t(signatory ? 'standing.sign' : 'standing.waitSignature', { count: sent.length })
      : agreements.some((row) => row.state === 'signed' && !row.countersigned)
        ? t('standing.countersign')
        : until !== undefined
          ? t('standing.inForce', { count: inForce.length, until: day(until) })
          : notice !== undefined
            ? t('standing.notice', { until: day(notice.endsOn) })
            : t('standing.none');
  const offerStandard = list.standardAvailable && mayTake && inForce.length === 0 && sent.length === 0;
  return (
    <>
      <PageHeader title={t('title')} standing={standing} />
      <div className="grid gap-5">
        <TrustNotice trust={list.trust} />
        {offerStandard && (
          <Section title={t('standardTitle')}>
            <p className="text-ink-2">{t('standardBody')}</p>
            <TakeStandardButton schoolId={schoolId} />
          </Section>
        )}
        <AgreementsTable
          rows={agreements}
          base={`/school/${schoolId}/agreements`}
          empty={<EmptyState title={listTexts('none')}>{t('noneBody')}</EmptyState>}
        />
        {agreements.length > 0 && mayTake && (
          <Section title={t('export')}>
            <p className="text-ink-2">{t('exportBody')}</p>
            <ExportButton schoolId={schoolId} />
          </Section>
        )}
        {receipts.length > 0 && (
          <Section title={t('receipts')}>
            <ul className="grid gap-2">
              {receipts.map((row) => (
                <li key={row.id}>
                  <Day on={row.at} />:{' '}
                  {t('receiptEnded', {
                    endsOn: String(row.facts.endsOn ?? ''),
                    graceEndsOn: String(row.facts.graceEndsOn ?? ''),
                    connections: Number(row.facts.connections ?? 0),
                    reason: t(`reasons.${endReasons.find((reason) => reason === row.reason) ?? 'term-over'}`),
                  })}
                </li>
              ))}
            </ul>
          </Section>
        )}
      </div>
    </>
  );
}
