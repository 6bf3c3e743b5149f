'use client';

import { useTranslations } from 'next-intl';

/** A connector's own text by the key that it declares (`oneroster.field.base-url`). */
export function useConnectorText(): (key: string, values?: Record<string, string | number>) => string {
  const t = useTranslations('connectors');
  return (key, values) => (t.has(key) ? t(key, values) : key);
}
