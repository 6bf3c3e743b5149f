'use client';

import { useTranslations } from 'next-intl';

/** A connector's own text by the key that it declares (`oneroster.field.base-url`). */
export function useConnectorText(): (key: string, values?: Record<string, string | number>) => string {
  const t = useTranslations('connectors');
  return (key, values) => (t.has(key) ? t(key, values) : key);
}

/** What stands below a field in small print, where the connector has something to say. */
export function useFieldHelp(): (label: string) => string | undefined {
  const t = useTranslations('connectors');
  return (label) => {
    const key = label.replace('.field.', '.help.');
    return key !== label && t.has(key) ? t(key) : undefined;
  };
}

/** A choice of a field in words, where the connector has some (`oneroster.choice.oauth2`), else as it stands. */
export function useChoiceText(): (label: string, choice: string) => string {
  const t = useTranslations('connectors');
  return (label, choice) => {
    const key = `${label.split('.')[0]}.choice.${choice}`;
    return /^[\w-]+$/.test(choice) && t.has(key) ? t(key) : choice;
  };
}
