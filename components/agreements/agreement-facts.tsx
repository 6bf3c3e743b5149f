import { useTranslations } from 'next-intl';
import { Facts } from '#components/ui/facts.tsx';
import { Day } from '#components/ui/relative-time.tsx';
import type { ShownAgreement } from './agreement-paper.tsx';
import { AgreementStateBadge, useStateSentence } from './agreement-state.tsx';

/** What stands in an agreement, in a column beside its text. `documents` is where its files are served. */
export function AgreementFacts({ agreement, documents }: { agreement: ShownAgreement; documents: string }) {
  const t = useTranslations('agreements.facts');
  const turn = useTranslations('agreements.turn');
  const sentence = useStateSentence();
  const file = (of: ShownAgreement['scan']) =>
    of === null ? null : (
      <a href={`${documents}/${of.id}`} className="underline">
        {of.fileName}
      </a>
    );
  return (
    <>
      <div className="grid gap-1">
        <AgreementStateBadge state={agreement.state} />
        <p className="text-ink-2 text-sm">{sentence(agreement)}</p>
      </div>
      <Facts
        items={[
          [t('turn'), agreement.turn === 'nobody' ? null : turn(agreement.turn)],
          [t('agent'), agreement.agentName ?? t('operatorsOwn')],
          [
            t('term'),
            <>
              <Day on={agreement.termStart} /> – <Day on={agreement.termEnd} />
            </>,
          ],
          [t('endsOn'), agreement.endsOn === agreement.termEnd ? null : <Day key="end" on={agreement.endsOn} />],
          [t('grace'), t('graceValue', { days: agreement.graceDays })],
          [t('signatory'), agreement.signedName ?? agreement.signatoryName],
          [t('attachment'), file(agreement.attachment)],
          [t('scan'), file(agreement.scan)],
        ]}
      />
    </>
  );
}
