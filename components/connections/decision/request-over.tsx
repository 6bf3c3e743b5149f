'use client';

import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { Button } from '#components/ui/button.tsx';
import { Ask } from '#components/ui/card.tsx';
import { useAgo } from '#components/ui/relative-time.tsx';
import type { Decision } from './decision.ts';
import { nameInSentence } from './name-in-sentence.ts';

/** What became of a request that is no longer to be decided. */
export function RequestOver({ schoolId, decision }: { schoolId: string; decision: Decision }) {
  const t = useTranslations('decision');
  const ago = useAgo();
  const { state } = decision;
  if (state === 'requested') return null;
  const person = decision.decision?.by ?? t('over.somebody');
  const when = decision.decision === null ? '' : ago(decision.decision.at);
  const values = {
    person,
    when,
    asker: nameInSentence(t(`consumer.${decision.consumer}`), decision.consumerName),
    system: decision.system.name,
  };
  const reason = decision.decision?.reason ?? null;
  return (
    <div className="mb-5">
      <Ask
        look={state === 'approved' ? 'live' : state === 'draft' ? 'wait' : 'fail'}
        action={
          <Button asChild>
            <Link href={`/school/${schoolId}/connections/${decision.connectionId}`}>{t('over.toConnection')}</Link>
          </Button>
        }
      >
        <strong className="block">{t(`over.${state}`, values)}</strong>
        {reason !== null && <span className="text-ink-2">{t('over.declinedReason', { reason })}</span>}
        {state === 'approved' && (
          <span className="text-ink-2">
            {decision.credential.suffices ? t('over.nextSync') : t('over.nextCredential')}
          </span>
        )}
      </Ask>
    </div>
  );
}
