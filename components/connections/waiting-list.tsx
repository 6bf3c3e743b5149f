'use client';

import Link from 'next/link';
import { useTranslations } from 'next-intl';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Ask } from '#components/ui/card.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { hrefOfNext } from './edge-words.ts';
import { lookOfConnection } from './state-look.ts';

type Item = Outputs['connections']['inbox']['items'][number];

/** What waits for the reader: what it is, why, since when, and the one button. */
export function WaitingList({ schoolId, items }: { schoolId: string; items: readonly Item[] }) {
  const t = useTranslations('schoolHome.asks');
  const words = useTranslations('connections');
  const roles = useTranslations('people.roles');
  return (
    <ul className="grid gap-3">
      {items.map((item, index) => {
        const key = t.has(`${item.next}.title`) ? item.next : 'other';
        const system = item.system.name;
        const fails = item.kind !== 'renewal' && lookOfConnection(item.state, item.cause, item.role) === 'fail';
        const href = hrefOfNext(schoolId, { ...item, systemId: item.system.id });
        return (
          <li key={`${item.kind}-${item.connectionId}-${item.role}-${item.next}`}>
            <Ask
              look={fails ? 'fail' : 'wait'}
              action={
                <Button asChild variant={index === 0 ? 'primary' : 'secondary'}>
                  <Link href={href}>{t(`${key}.button`)}</Link>
                </Button>
              }
            >
              <strong className="block">{t(`${key}.title`, { system })}</strong>
              <span className="block text-ink-2 text-sm">
                {item.next === 'renew' ? t('renewBody') : words(`cause.${item.cause}`, { system: item.about })}{' '}
                <span className="whitespace-nowrap">
                  <RelativeTime at={item.since} /> · {t('forRole', { role: roles(item.role) })}
                </span>
              </span>
            </Ask>
          </li>
        );
      })}
    </ul>
  );
}
