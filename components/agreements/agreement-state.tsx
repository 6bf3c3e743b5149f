import { useTranslations } from 'next-intl';
import { StateBadge, type StateLook } from '#components/ui/state-badge.tsx';
import type { AgreementState } from '#db/schema/vocabulary.ts';

const looks: Record<AgreementState, StateLook> = {
  draft: 'rest',
  sent: 'wait',
  signed: 'wait',
  'in-force': 'live',
  'notice-given': 'wait',
  ended: 'rest',
  declined: 'fail',
  withdrawn: 'rest',
};

export function AgreementStateBadge({ state }: { state: AgreementState }) {
  const t = useTranslations('agreements.state');
  return <StateBadge look={looks[state]}>{t(state)}</StateBadge>;
}

/** The sentence that says what a state means and what comes next. */
export function useStateSentence() {
  const t = useTranslations('agreements.stateLong');
  return (agreement: { state: AgreementState; paperWaits: boolean; countersigned: boolean }) => {
    if (agreement.paperWaits) return t('paper');
    if (agreement.state === 'signed' && agreement.countersigned) return t('waits');
    return t(agreement.state);
  };
}
