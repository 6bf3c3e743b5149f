'use client';

import Link from 'next/link';
import { useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import { Copyable } from '#components/ui/copyable.tsx';
import { Dialog } from '#components/ui/dialog.tsx';
import { Facts } from '#components/ui/facts.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';

interface Standing {
  readonly missedFetches: number;
  readonly goneAt: Date | null;
  readonly withheld?: boolean;
}

interface ReceivedRecord extends Standing {
  readonly id: string;
  readonly sourceId: string;
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date;
}

/** Withheld, gone or missing; nothing where it is in use. */
export function RecordState({ record, className }: { record: Standing; className?: string }) {
  const t = useTranslations('schoolData');
  const [look, word] =
    record.withheld === true
      ? (['wait', 'withheld'] as const)
      : record.goneAt !== null
        ? (['rest', 'gone'] as const)
        : record.missedFetches > 0
          ? (['wait', 'missing'] as const)
          : [null, null];
  if (look === null) return null;
  return (
    <StateBadge look={look} className={className}>
      {t(`filter.${word}`)}
    </StateBadge>
  );
}

/** A record's name, which leads to its own page; how it stands; on a phone the rest below. */
export function LinkedName({
  record,
  name,
  href,
  below,
}: {
  record: Standing;
  name: string;
  href: string;
  below?: ReactNode;
}) {
  return (
    <>
      <Link href={href} className="inline-block min-h-6 font-semibold [overflow-wrap:anywhere]">
        {name}
      </Link>
      <RecordState record={record} className="ml-2" />
      {below !== undefined && <span className="block text-ink-2 text-sm md:hidden">{below}</span>}
    </>
  );
}

/** A record's name, which opens all that is held of it; whether it is missing or gone; on a phone the rest below. */
export function RecordName({
  record,
  name,
  systemName,
  facts,
  below,
}: {
  record: ReceivedRecord;
  name: string;
  systemName: string;
  facts: readonly (readonly [name: ReactNode, value: ReactNode | null])[];
  below?: ReactNode;
}) {
  const t = useTranslations('schoolData');
  return (
    <>
      <Dialog
        trigger={
          <button
            type="button"
            className="min-h-6 cursor-pointer text-left font-semibold underline decoration-line underline-offset-3 [overflow-wrap:anywhere] hover:decoration-current"
            aria-label={t('details.open', { what: name })}
          >
            {name}
          </button>
        }
        title={name}
        description={t('details.lead', { system: systemName })}
      >
        <Facts
          items={[
            ...facts,
            [t('details.sourceId'), <Copyable key="source" text={record.sourceId} label={t('details.sourceId')} />],
            [t('details.ownId'), <Copyable key="own" text={record.id} label={t('details.ownId')} />],
            [t('details.firstSeen'), <RelativeTime key="first" at={record.firstSeenAt} />],
            [t('details.lastSeen'), <RelativeTime key="last" at={record.lastSeenAt} />],
            [
              t('column.state'),
              record.goneAt !== null ? (
                <span key="gone">
                  {t('details.goneSince')} <RelativeTime at={record.goneAt} />
                </span>
              ) : record.missedFetches > 0 ? (
                t('details.missing')
              ) : null,
            ],
          ]}
        />
      </Dialog>
      <RecordState record={record} className="ml-2" />
      {below !== undefined && <span className="block text-ink-2 text-sm md:hidden">{below}</span>}
    </>
  );
}
