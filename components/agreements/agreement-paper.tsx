import { useTranslations } from 'next-intl';
import type { Outputs } from '#components/trpc/types.ts';
import { Copyable } from '#components/ui/copyable.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';

export type ShownAgreement = Outputs['agreements']['view'];

/** The agreement as a sheet: exactly the text that is signed, the signatures, the fingerprint. Prints by itself. */
export function AgreementPaper({ agreement }: { agreement: ShownAgreement }) {
  const t = useTranslations('agreements.paperView');
  return (
    <article className="rounded-card border border-line bg-card print:border-0">
      <section className="px-5 py-6 md:px-10 md:py-9 print:p-0" aria-label={t('label')}>
        <div className="mx-auto max-w-[72ch] whitespace-pre-line break-words" data-testid="agreement-text">
          {agreement.text}
        </div>
      </section>
      <section className="border-line border-t px-5 py-5 md:px-10 print:px-0" aria-label={t('signatures')}>
        <div className="mx-auto grid max-w-[72ch] gap-4">
          <h2>{t('signatures')}</h2>
          <div className="grid gap-4 sm:grid-cols-2">
            <Signature
              done={agreement.signedAt !== null}
              words={
                agreement.signedAt === null
                  ? t('unsigned')
                  : agreement.paperConfirmedAt === null
                    ? t('signedBy', { name: agreement.signedName ?? '' })
                    : t('onPaper', {
                        name: agreement.signedName ?? '',
                        day: agreement.paperSignedOn ?? '',
                        confirmed: agreement.paperConfirmedByName ?? '',
                      })
              }
              at={agreement.signedAt}
            />
            <Signature
              done={agreement.countersignedAt !== null}
              words={
                agreement.countersignedAt === null
                  ? t('notCountersigned')
                  : t('countersignedBy', { name: agreement.countersignedName ?? '' })
              }
              at={agreement.countersignedAt}
            />
          </div>
          {agreement.declinedBy !== null && (
            <p>{t(`declinedBy.${agreement.declinedBy}`, { reason: agreement.declinedReason ?? '' })}</p>
          )}
          {agreement.noticeBy !== null && (
            <p>{t(`notice.${agreement.noticeBy}`, { reason: agreement.noticeReason ?? '' })}</p>
          )}
          {agreement.unchanged ? (
            <div className="grid gap-1">
              <p className="text-ink-2 text-sm">{t('fingerprint')}</p>
              <div>
                <Copyable text={agreement.textHash} label={t('fingerprint')} />
              </div>
              <p className="text-ink-2 text-sm print:hidden">{t('fingerprintHint')}</p>
            </div>
          ) : (
            <p role="alert" className="font-semibold text-fail">
              {t('broken')}
            </p>
          )}
        </div>
      </section>
    </article>
  );
}

function Signature({ done, words, at }: { done: boolean; words: string; at: Date | null }) {
  return (
    <div className="grid content-start gap-1">
      <StateBadge look={done ? 'live' : 'rest'} className="whitespace-normal">
        {words}
      </StateBadge>
      {at !== null && (
        <p className="text-ink-2 text-sm">
          {at.toISOString().slice(0, 16).replace('T', ' ')} UTC{' '}
          <span className="print:hidden">
            · <RelativeTime at={at} />
          </span>
        </p>
      )}
    </div>
  );
}
