'use client';

import { useTranslations } from 'next-intl';

/** An entry of the audit trail in words. What has no words yet is shown by its key, never left out. */
export function useAuditWords() {
  const t = useTranslations('schoolActivity');
  return {
    action: (action: string) => (t.has(`action.${action}`) ? t(`action.${action}`) : action),
    /** Who did it. Some acts are nobody's who is signed in, and yet somebody's: an LMS fetches a token by its client id. */
    actor: (kind: string, name: string | null, action: string) =>
      kind === 'anonymous' && t.has(`unsigned.${action}`)
        ? t(`unsigned.${action}`)
        : t.has(`actor.${kind}`)
          ? t(`actor.${kind}`, { name: name ?? '' })
          : (name ?? kind),
    subject: (kind: string) => (t.has(`subject.${kind}`) ? t(`subject.${kind}`) : kind),
  };
}
