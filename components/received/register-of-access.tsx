'use client';

import { useMutation, useSuspenseQuery } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import Link from 'next/link';
import { useFormatter, useTranslations } from 'next-intl';
import { ScopeChips } from '#components/connections/scope-words.tsx';
import { lookOfConnection } from '#components/connections/state-look.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { type Column, DataTable } from '#components/ui/data-table.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Day, RelativeTime } from '#components/ui/relative-time.tsx';
import { saveFile } from '#components/ui/save-file.ts';
import { StateBadge } from '#components/ui/state-badge.tsx';
import { type ConnectionState, connectionStates } from '#db/schema/vocabulary.ts';
import { DataParts } from './data-parts.tsx';

type Line = Outputs['connections']['register'][number];

const isState = (state: string): state is ConnectionState => connectionStates.some((one) => one === state);
const endReasons = ['revoked', 'expired', 'amended', 'narrowed', 'renewed'] as const;

/** The register of who has what: every release that ever was, to read and to take along. */
export function RegisterOfAccess({ schoolId }: { schoolId: string }) {
  const trpc = useTRPC();
  const t = useTranslations('schoolData.register');
  const states = useTranslations('connections.state');
  const kinds = useTranslations('connections.consumer');
  const format = useFormatter();
  const { data: lines } = useSuspenseQuery(trpc.connections.register.queryOptions({ schoolId }));
  const download = useMutation(trpc.connections.exportRegister.mutationOptions({ onSuccess: saveFile }));
  const ended = lines.filter((line) => line.ended !== null).length;
  const state = (line: Line) =>
    line.ended !== null ? (
      <>
        <StateBadge look="rest">{t('ended')}</StateBadge>
        <span className="block text-ink-2 text-sm">
          <Day on={line.ended} />
          {endReasons.map((reason) => (reason === line.endReason ? `, ${t(`endReason.${reason}`)}` : ''))}
        </span>
      </>
    ) : isState(line.state) ? (
      <StateBadge look={lookOfConnection(line.state, null, 'nobody')}>{states(line.state)}</StateBadge>
    ) : null;
  const recipient = (line: Line) => (line.recipient === '' ? kinds(line.recipientKind) : line.recipient);
  const columns: Column<Line>[] = [
    {
      id: 'recipient',
      header: t('recipient'),
      cell: (line) => (
        <>
          <Link href={`/school/${schoolId}/connections/${line.connectionId}`} className="font-semibold">
            {recipient(line)}
          </Link>
          <span className="block text-ink-2 text-sm">{t('from', { system: line.system })}</span>
          <span className="mt-1 grid gap-1 md:hidden">
            <ScopeChips of={line.data} />
            <span>{state(line)}</span>
          </span>
        </>
      ),
      sortBy: recipient,
      searchIn: (line) => `${recipient(line)} ${line.system} ${line.purpose} ${line.releasedBy} ${line.data.join(' ')}`,
    },
    {
      id: 'data',
      header: t('data'),
      cell: (line) => (
        <>
          <ScopeChips of={line.data} />
          {line.sites.length > 0 && (
            <span className="block text-ink-2 text-sm">{t('sites', { sites: format.list(line.sites) })}</span>
          )}
        </>
      ),
      wideOnly: true,
    },
    {
      id: 'purpose',
      header: t('purpose'),
      cell: (line) => <span className="line-clamp-4 min-w-48 max-w-80">{line.purpose}</span>,
      wideOnly: true,
    },
    {
      id: 'from',
      header: t('releasedBy'),
      cell: (line) => (
        <>
          <span className="whitespace-nowrap max-md:whitespace-normal">
            <Day on={line.from} />
          </span>
          {line.releasedBy !== '' && (
            <span className="block text-ink-2 text-sm">{t('releasedByWhom', { person: line.releasedBy })}</span>
          )}
          {line.ended === null && (
            <span className="block text-ink-2 text-sm">
              {t.rich('untilThen', { day: () => <Day on={line.until} /> })}
            </span>
          )}
        </>
      ),
      sortBy: (line) => line.from.getTime(),
    },
    { id: 'state', header: t('state'), cell: state, sortBy: (line) => line.state, wideOnly: true },
    {
      id: 'supplied',
      header: t('lastSupplied'),
      cell: (line) => (
        <span className="whitespace-nowrap">
          {line.lastSupplied === null ? t('never') : <RelativeTime at={line.lastSupplied} />}
        </span>
      ),
      sortBy: (line) => line.lastSupplied?.getTime() ?? 0,
      wideOnly: true,
    },
  ];
  return (
    <div className="grid gap-5">
      <div className="-mb-5">
        <PageHeader
          title={t('title')}
          standing={t('standing', { live: lines.length - ended, ended })}
          action={
            lines.length === 0
              ? undefined
              : (['csv', 'json'] as const).map((kind) => (
                  <Button
                    key={kind}
                    pending={download.isPending && download.variables.format === kind}
                    onClick={() => download.mutate({ schoolId, format: kind })}
                  >
                    <Download aria-hidden />
                    {t(kind)}
                  </Button>
                ))
          }
        />
      </div>
      <DataParts schoolId={schoolId} />
      <ErrorNotice error={download.error} />
      {lines.length > 0 && <p className="max-w-prose text-ink-2">{t('lead')}</p>}
      <DataTable
        rows={lines}
        columns={columns}
        rowId={(line) => line.grantId}
        caption={t('caption')}
        defaultSort={{ id: 'from', desc: true }}
        empty={<EmptyState title={t('empty')}>{t('emptyBody')}</EmptyState>}
      />
    </div>
  );
}
