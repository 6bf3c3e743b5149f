import { IntlMessageFormat } from 'intl-messageformat';
import { loadMessages, type Messages } from './load-messages.ts';

/**
 * One text outside React (mails, command line): ICU MessageFormat, as next-intl has it on pages. Throws for a key that
 * no catalogue holds, since a mail with a key in it must not leave.
 */
export function translate(locale: string, key: string, values: Readonly<Record<string, string | number>> = {}): string {
  const text = key
    .split('.')
    .reduce<string | Messages | undefined>(
      (node, part) => (typeof node === 'object' ? node[part] : undefined),
      loadMessages(locale),
    );
  if (typeof text !== 'string') throw new Error(`No text "${key}" in messages/${locale}`);
  return String(new IntlMessageFormat(text, locale).format({ ...values }));
}
