'use client';

import { useFormatter, useTranslations } from 'next-intl';

export interface Counted {
  readonly count: number | null;
  readonly precision: 'exact' | 'estimated' | 'after-first-sync';
}

/** A number with how far it can be relied on: "412", "about 410", "known after the first sync". */
export function CountWords({ of: { count, precision } }: { of: Counted }) {
  const t = useTranslations('decision');
  const format = useFormatter();
  if (count === null || precision === 'after-first-sync') {
    return <span className="text-ink-2 text-sm">{t('count.afterFirstSync')}</span>;
  }
  return (
    <span>
      <strong className="font-semibold">
        {precision === 'estimated' ? t('count.about', { count: format.number(count) }) : format.number(count)}
      </strong>{' '}
      <span className="text-ink-2 text-sm">{precision === 'exact' ? t('count.exact') : t('count.estimated')}</span>
    </span>
  );
}
