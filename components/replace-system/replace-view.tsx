'use client';

import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import { SystemParts } from '#components/school/system-parts.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Select } from '#components/ui/input.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { ReviewLinks } from './review-links.tsx';
import { SideBySide } from './side-by-side.tsx';
import { isMoving, SwitchSection } from './switch-section.tsx';

type Page = Outputs['replaceSystem']['page'];

/** Replacing a SIS: two systems side by side, who is who, the switch and the way back. */
export function ReplaceView({
  schoolId,
  systemId,
  roles,
}: {
  schoolId: string;
  systemId: string;
  roles: readonly SchoolRole[];
}) {
  const trpc = useTRPC();
  const t = useTranslations('replaceSystem');
  const queryClient = useQueryClient();
  const { data: page } = useSuspenseQuery(trpc.replaceSystem.page.queryOptions({ schoolId, systemId }));
  const { replacement, system } = page;
  const onChange = () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: trpc.replaceSystem.pathKey() }),
      queryClient.invalidateQueries({ queryKey: trpc.connections.pathKey() }),
      queryClient.invalidateQueries({ queryKey: trpc.sync.pathKey() }),
      queryClient.invalidateQueries({ queryKey: trpc.data.pathKey() }),
    ]);
  const names = { old: replacement?.old.name ?? '', new: replacement?.new.name ?? '' };
  const at = replacement?.undoneAt ?? replacement?.switchedAt ?? null;
  const standing =
    replacement === null
      ? t('standing.none')
      : replacement.state === 'reviewing'
        ? t('standing.reviewing', { ...names, open: replacement.open })
        : isMoving(replacement)
          ? t(`standing.${replacement.state}`, names)
          : t.rich(replacement.state === 'switched' ? 'standing.switched' : 'standing.undone', {
              ...names,
              when: () => <RelativeTime at={at ?? new Date(0)} />,
            });
  return (
    <>
      <PageHeader
        above={
          <Link href={`/school/${schoolId}`} className="text-ink-2">
            {system.name}
          </Link>
        }
        title={t('title', { system: replacement === null ? system.name : names.old })}
        standing={standing}
      />
      <SystemParts schoolId={schoolId} systemId={systemId} kind={system.kind} roles={roles} />
      <div className="grid gap-5">
        {(replacement === null || replacement.state === 'undone') && (
          <>
            <p className="max-w-prose text-ink-2">{t('lead')}</p>
            <Start schoolId={schoolId} page={page} onChange={onChange} />
          </>
        )}
        {replacement !== null && replacement.state !== 'undone' && (
          <>
            <SideBySide schoolId={schoolId} replacement={replacement} />
            {page.mayPrepare && replacement.state === 'reviewing' && (
              <ReviewLinks schoolId={schoolId} replacement={replacement} onChange={onChange} />
            )}
            <SwitchSection schoolId={schoolId} page={page} replacement={replacement} onChange={onChange} />
            {page.mayPrepare && replacement.state === 'reviewing' && (
              <Prepare schoolId={schoolId} replacement={replacement} onChange={onChange} />
            )}
          </>
        )}
      </div>
    </>
  );
}

function Start({ schoolId, page, onChange }: { schoolId: string; page: Page; onChange: () => Promise<unknown> }) {
  const trpc = useTRPC();
  const t = useTranslations('replaceSystem.start');
  const ready = page.candidates.filter(({ wasSynced }) => wasSynced);
  const [newSystemId, setNewSystemId] = useState(ready.length === 1 ? (ready[0]?.id ?? '') : '');
  const start = useMutation(
    trpc.replaceSystem.start.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(t('done'));
      },
    }),
  );
  const [first] = page.candidates;
  if (first === undefined) {
    return (
      <EmptyState
        title={t('none')}
        action={
          page.mayPrepare && (
            <Button asChild>
              <Link href={`/school/${schoolId}/systems/new`}>{t('connect')}</Link>
            </Button>
          )
        }
      >
        {t('noneBody', { system: page.system.name })}
      </EmptyState>
    );
  }
  return (
    <Section title={t('title')}>
      {!page.mayPrepare && <p>{t('waits')}</p>}
      {page.mayPrepare && (
        <form
          className="grid max-w-lg gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            start.mutate({ schoolId, oldSystemId: page.system.id, newSystemId });
          }}
        >
          <Field label={t('choose')} hint={t('hint')}>
            <Select value={newSystemId} required onChange={(event) => setNewSystemId(event.target.value)}>
              <option value="">{t('placeholder')}</option>
              {page.candidates.map(({ id, name, wasSynced }) => (
                <option key={id} value={id} disabled={!wasSynced}>
                  {wasSynced ? name : t('never', { system: name })}
                </option>
              ))}
            </Select>
          </Field>
          {ready.length === 0 && <p className="text-ink-2">{t('onlyUnsynced', { system: first.name })}</p>}
          <ErrorNotice error={start.error} />
          <Button
            type="submit"
            variant="primary"
            className="justify-self-start"
            disabled={newSystemId === ''}
            pending={start.isPending}
          >
            {t('submit')}
          </Button>
        </form>
      )}
    </Section>
  );
}

function Prepare({
  schoolId,
  replacement,
  onChange,
}: {
  schoolId: string;
  replacement: NonNullable<Page['replacement']>;
  onChange: () => Promise<unknown>;
}) {
  const trpc = useTRPC();
  const t = useTranslations('replaceSystem');
  const of = { schoolId, replacementId: replacement.id };
  const after = (words: 'againDone' | 'giveUpDone') => async () => {
    await onChange();
    toast.success(t(words));
  };
  const again = useMutation(trpc.replaceSystem.proposeAgain.mutationOptions({ onSuccess: after('againDone') }));
  const giveUp = useMutation(trpc.replaceSystem.giveUp.mutationOptions({ onSuccess: after('giveUpDone') }));
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
      <Button pending={again.isPending} onClick={() => again.mutate(of)}>
        {t('again')}
      </Button>
      <ConfirmDialog
        trigger={<Button variant="danger">{t('giveUp')}</Button>}
        title={t('giveUpTitle')}
        description={t('giveUpBody')}
        confirm={t('giveUpConfirm')}
        onConfirm={() => giveUp.mutateAsync(of)}
      >
        <ErrorNotice error={giveUp.error} />
      </ConfirmDialog>
      {replacement.proposedAt !== null && (
        <span className="text-ink-2 text-sm">
          {t.rich('lastLooked', { when: () => <RelativeTime at={replacement.proposedAt ?? new Date(0)} /> })}
        </span>
      )}
      <ErrorNotice error={again.error} />
    </div>
  );
}
