'use client';

import { useTranslations } from 'next-intl';
import { isScope, type Scope } from '#db/schema/vocabulary.ts';

const fieldNames = ['email', 'username', 'phone', 'sms', 'identifier', 'birth_date'] as const;

/** A single field of people, `scope:field`: whose it is, and its name in words ("E-mail address of students"). Null for what is none. */
export function useReleasedFieldWords(): (id: string) => { readonly scope: Scope; readonly words: string } | null {
  const t = useTranslations('decision.narrowing');
  const scopes = useTranslations('connections.scope');
  return (id) => {
    const [scope = '', name = ''] = id.split(':');
    const field = fieldNames.find((one) => one === name);
    if (field === undefined || !isScope(scope)) return null;
    return { scope, words: t('field', { field: t(`fieldName.${field}`), of: scopes(scope) }) };
  };
}
