'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useFormatter, useTranslations } from 'next-intl';
import { useState } from 'react';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Dialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input, Textarea } from '#components/ui/input.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';

type Row = Outputs['people']['listRecoveries'][number];

/** A new administrator for a school whose only one left: 72 hours, everybody told. */
export function Recovery({ schoolId, rows }: { schoolId: string; rows: readonly Row[] }) {
  const t = useTranslations('operations.review');
  const format = useFormatter();
  const open = rows.some((row) => row.state === 'waiting' || row.state === 'ready');
  return (
    <div className="grid gap-3">
      <p className="text-ink-2">{t('recoveryBody')}</p>
      {rows.map((row) => (
        <div key={row.id} className="grid gap-1">
          <p>
            {t('nameSince', { name: row.newAdministratorName })} <RelativeTime at={row.startedAt} />
          </p>
          <StateBadge
            look={row.state === 'completed' ? 'live' : row.state === 'stopped' ? 'rest' : 'wait'}
            className="whitespace-normal"
          >
            {t(`recoveryState.${row.state}`, {
              at: format.dateTime(row.notBefore, {
                day: 'numeric',
                month: 'long',
                hour: '2-digit',
                minute: '2-digit',
                timeZoneName: 'short',
              }),
            })}
          </StateBadge>
          {(row.state === 'waiting' || row.state === 'ready') && <RecoveryActions schoolId={schoolId} row={row} />}
        </div>
      ))}
      {!open && <StartRecovery schoolId={schoolId} />}
    </div>
  );
}

function RecoveryActions({ schoolId, row }: { schoolId: string; row: Row }) {
  const t = useTranslations('operations.review');
  const trpc = useTRPC();
  const router = useRouter();
  const refresh = { onSuccess: () => router.refresh() };
  const complete = useMutation(trpc.people.completeRecovery.mutationOptions(refresh));
  const stop = useMutation(trpc.people.stopRecovery.mutationOptions(refresh));
  const key = { schoolId, recoveryId: row.id };
  return (
    <>
      <div className="flex flex-wrap gap-2">
        {row.state === 'ready' && (
          <Button size="small" variant="primary" pending={complete.isPending} onClick={() => complete.mutate(key)}>
            {t('recoveryComplete')}
          </Button>
        )}
        <Button size="small" variant="danger" pending={stop.isPending} onClick={() => stop.mutate(key)}>
          {t('recoveryStop')}
        </Button>
      </div>
      <ErrorNotice error={complete.error ?? stop.error} />
    </>
  );
}

function StartRecovery({ schoolId }: { schoolId: string }) {
  const t = useTranslations('operations.review');
  const common = useTranslations('common');
  const trpc = useTRPC();
  const router = useRouter();
  const [open, setOpen] = useState(false);
  const start = useMutation(
    trpc.people.startRecovery.mutationOptions({
      onSuccess: () => {
        setOpen(false);
        router.refresh();
      },
    }),
  );
  return (
    <Dialog
      trigger={<Button size="small">{t('recoveryStart')}</Button>}
      title={t('recovery')}
      description={t('recoveryBody')}
      open={open}
      onOpenChange={setOpen}
    >
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          const text = (name: string) => String(form.get(name) ?? '');
          start.mutate({ schoolId, name: text('name'), email: text('email'), reason: text('reason') });
        }}
      >
        <Field label={t('recoveryName')}>
          <Input name="name" required maxLength={200} />
        </Field>
        <Field label={t('recoveryEmail')}>
          <Input name="email" type="email" required maxLength={254} />
        </Field>
        <Field label={t('recoveryReason')} hint={t('recoveryReasonHint')}>
          <Textarea name="reason" required minLength={10} maxLength={2000} />
        </Field>
        <ErrorNotice error={start.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={() => setOpen(false)}>{common('cancel')}</Button>
          <Button type="submit" variant="primary" pending={start.isPending}>
            {t('recoverySubmit')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
