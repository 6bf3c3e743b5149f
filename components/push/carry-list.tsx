'use client';

import { useTranslations } from 'next-intl';
import { useConnectorText } from '#components/connections/connector-text.ts';
import type { Outputs } from '#components/trpc/types.ts';
import { Section } from '#components/ui/card.tsx';

/** What is lost on the way into this LMS, in its connector's own words. */
export function CarryList({ lms, carries }: Pick<Outputs['push']['page'], 'lms' | 'carries'>) {
  const t = useTranslations('push');
  const text = useConnectorText();
  return (
    <Section title={t('carry.title', { lms: lms.name })}>
      <p className="text-ink-2 text-sm">{t('carry.mail')}</p>
      {carries.length > 0 && (
        <ul className="mt-2 grid gap-2 text-sm">
          {carries.map(({ entity, field, how, note }) => (
            <li key={`${entity} ${field ?? ''} ${note}`}>
              <strong>{t(`entity.${entity}`)}</strong> <span className="text-ink-2">({t(`carry.${how}`)})</span>:{' '}
              {text(note)}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
