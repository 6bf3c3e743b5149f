'use client';

import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { toast } from 'sonner';
import { SystemParts } from '#components/school/system-parts.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { BlackoutForm } from './blackout-form.tsx';
import { RulesForm } from './rules-form.tsx';
import { ScheduleForm } from './schedule-form.tsx';

/** How one system is synced: its rhythm, the days without, and when a run is held for review. */
export function SettingsView({
  schoolId,
  systemId,
  roles,
}: {
  schoolId: string;
  systemId: string;
  roles: readonly SchoolRole[];
}) {
  const trpc = useTRPC();
  const t = useTranslations('syncSettings');
  const queryClient = useQueryClient();
  const { data: page } = useSuspenseQuery(trpc.syncSettings.page.queryOptions({ schoolId, systemId }));
  const { settings, system } = page;
  const onSaved = async () => {
    await queryClient.invalidateQueries({ queryKey: trpc.syncSettings.pathKey() });
    toast.success(t('saved'));
  };
  const of = { schoolId, systemId, page, onSaved };
  const intervalKey = `intervalStanding.${settings.intervalMinutes}`;
  return (
    <>
      <PageHeader
        above={
          <Link href={`/school/${schoolId}`} className="text-ink-2">
            {system.name}
          </Link>
        }
        title={t('title', { system: system.name })}
        standing={
          <>
            {t('standing', {
              interval: t.has(intervalKey) ? t(intervalKey) : '',
              blackouts: settings.blackouts.filter(({ until }) => until >= page.today).length,
              rules: settings.guardRules.length,
            })}{' '}
            {page.lastAskedAt === null
              ? t('neverAsked')
              : t.rich('asked', { when: () => <RelativeTime at={page.lastAskedAt ?? new Date(0)} /> })}
          </>
        }
      />
      <SystemParts schoolId={schoolId} systemId={systemId} kind={system.kind} roles={roles} />
      <div className="grid gap-4">
        <p className="text-ink-2 text-sm">
          {!page.mayChange && `${t('readOnly')} `}
          {settings.updatedAt === null
            ? t('unchanged')
            : t.rich('changed', {
                person: settings.updatedBy ?? '',
                when: () => <RelativeTime at={settings.updatedAt ?? new Date(0)} />,
              })}
        </p>
        <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_minmax(0,1.4fr)]">
          <ScheduleForm {...of} />
          <BlackoutForm {...of} />
        </div>
        <RulesForm {...of} />
      </div>
    </>
  );
}
