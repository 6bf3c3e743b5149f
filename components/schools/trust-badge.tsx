import { useTranslations } from 'next-intl';
import { StateBadge, type StateLook } from '#components/ui/state-badge.tsx';
import type { TrustState } from '#db/schema/vocabulary.ts';

const looks: Record<TrustState, StateLook> = {
  unverified: 'rest',
  'in-review': 'wait',
  trusted: 'live',
  refused: 'fail',
};

/** Whether a school's people are confirmed to be the school. */
export function TrustBadge({ trust }: { trust: TrustState }) {
  const t = useTranslations('schools.trust');
  return <StateBadge look={looks[trust]}>{t(trust)}</StateBadge>;
}
