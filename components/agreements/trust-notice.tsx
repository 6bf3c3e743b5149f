import { useTranslations } from 'next-intl';
import { Ask } from '#components/ui/card.tsx';
import type { TrustState } from '#db/schema/vocabulary.ts';

/** Why nothing can be countersigned or approved yet, for the school itself. */
export function TrustNotice({ trust }: { trust: TrustState | null }) {
  const t = useTranslations('agreements.school.trust');
  if (trust === null || trust === 'trusted') return null;
  return <Ask look={trust === 'refused' ? 'fail' : 'wait'}>{t(trust)}</Ask>;
}
