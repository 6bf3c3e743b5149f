'use client';

import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { type Column, DataTable } from '#components/ui/data-table.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import { useEdgeName } from './connection-table.tsx';
import { type Edge, useEdgeWords } from './edge-words.ts';

/** What has ended of late, behind a summary: it matters to somebody who looks for it. */
export function EndedConnections({
  schoolId,
  edges,
  marketplace,
}: {
  schoolId: string;
  edges: readonly Edge[];
  marketplace: string;
}) {
  const t = useTranslations('schoolHome');
  const states = useTranslations('connections.state');
  const words = useEdgeWords([]);
  const nameOf = useEdgeName(marketplace);
  const columns: Column<Edge>[] = [
    {
      id: 'connection',
      header: t('table.connection'),
      cell: (edge) => <Link href={`/school/${schoolId}/connections/${edge.connectionId}`}>{nameOf(edge)}</Link>,
      sortBy: nameOf,
    },
    {
      id: 'state',
      header: t('table.state'),
      cell: (edge) => <StateBadge look="rest">{states(edge.state)}</StateBadge>,
    },
    { id: 'why', header: t('ended.why'), cell: (edge) => words.cause(edge), wideOnly: true },
    {
      id: 'when',
      header: t('ended.when'),
      cell: (edge) => <RelativeTime at={edge.endedAt ?? edge.since} />,
      sortBy: (edge) => (edge.endedAt ?? edge.since).getTime(),
    },
  ];
  return (
    <details>
      <summary className="min-h-8 cursor-pointer font-semibold">
        {t('ended.title')} ({edges.length})
      </summary>
      <div className="mt-2">
        <DataTable
          rows={edges}
          columns={columns}
          rowId={(edge) => edge.connectionId}
          caption={t('ended.caption')}
          name="ended"
        />
      </div>
    </details>
  );
}
