'use client';

import { useMutation } from '@tanstack/react-query';
import { ShieldCheck } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { Fragment, useState } from 'react';
import { useForm } from 'react-hook-form';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ErrorNotice, shownError, useErrorText } from '#components/ui/error-notice.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { useConnectorText } from '../connector-text.ts';
import { ConnectorFields, type FieldValues } from './connector-fields.tsx';
import type { SetUpPart } from './set-up.ts';

/** Where the system stands, large; entered or confirmed by the school itself. */
export function AddressSection({
  schoolId,
  system,
  onChange,
  confirmedBy,
  mayChange,
}: SetUpPart & { confirmedBy: string | null; mayChange: boolean }) {
  const trpc = useTRPC();
  const t = useTranslations('systemPage.address');
  const text = useConnectorText();
  const has = system.origins.length > 0;
  const confirmed = system.hostConfirmedAt !== null;
  const [editing, setEditing] = useState(false);
  const confirm = useMutation(
    trpc.systems.confirmAddress.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(t('done.confirmed'));
      },
    }),
  );
  if (!has || editing) {
    return (
      <Section title={t('title')}>
        <AddressForm
          schoolId={schoolId}
          system={system}
          onChange={async () => {
            await onChange();
            setEditing(false);
          }}
          onCancel={has ? () => setEditing(false) : null}
        />
      </Section>
    );
  }
  return (
    <Section
      title={t('title')}
      action={
        mayChange ? (
          <Button size="small" onClick={() => setEditing(true)}>
            {t('change')}
          </Button>
        ) : undefined
      }
    >
      {system.hosts.map((host) => (
        <p key={host} className="break-all font-semibold text-2xl leading-tight tracking-tight">
          {host}
        </p>
      ))}
      {system.wayOfPackages === 'upload' && <p className="max-w-prose text-ink-2 text-sm">{t('byHand')}</p>}
      <dl className="grid gap-x-4 gap-y-1 sm:grid-cols-[max-content_minmax(0,1fr)]">
        {system.settingsFields
          .filter(
            ({ kind, name }) =>
              (kind === 'url' || (system.wayOfPackages === 'sftp' && kind === 'text')) &&
              system.settings[name] !== undefined,
          )
          .map(({ name, label }) => (
            <Fragment key={name}>
              <dt className="text-ink-2 text-sm max-sm:mt-1">{text(label)}</dt>
              <dd>
                <code className="break-all font-mono text-sm">{String(system.settings[name])}</code>
              </dd>
            </Fragment>
          ))}
      </dl>
      {confirmed ? (
        <p className="flex items-start gap-2 text-sm">
          <ShieldCheck className="mt-0.5 size-4 shrink-0 text-live" aria-hidden />
          <span>
            {t.rich(confirmedBy === null ? 'confirmedNobody' : 'confirmed', {
              person: confirmedBy ?? '',
              when: () => <RelativeTime key="when" at={system.hostConfirmedAt ?? new Date()} />,
            })}
          </span>
        </p>
      ) : (
        <div className="grid gap-3 rounded-control bg-wait-bg px-4 py-3">
          <p className="font-semibold">{t('unconfirmed')}</p>
          <div className="flex flex-wrap gap-2">
            <Button
              variant="primary"
              pending={confirm.isPending}
              onClick={() => confirm.mutate({ schoolId, systemId: system.id, origins: [...system.origins] })}
            >
              {t('confirm')}
            </Button>
          </div>
          <ErrorNotice error={confirm.error} />
        </div>
      )}
      {!mayChange && confirmed && <p className="text-ink-2 text-sm">{t('fixed')}</p>}
    </Section>
  );
}

function AddressForm({ schoolId, system, onChange, onCancel }: SetUpPart & { onCancel: (() => void) | null }) {
  const trpc = useTRPC();
  const t = useTranslations('systemPage.address');
  const errorText = useErrorText();
  const form = useForm<FieldValues>({
    defaultValues: Object.fromEntries(
      system.settingsFields.map(({ name, choices }) => [name, String(system.settings[name] ?? choices?.[0] ?? '')]),
    ),
  });
  const enter = useMutation(
    trpc.systems.enterAddress.mutationOptions({
      onSuccess: async ({ change }) => {
        await onChange();
        toast.success(t(`done.${change}`));
      },
      onError: (error) => {
        const { code, details } = shownError(error);
        const fields = Array.isArray(details.fields) ? details.fields : [];
        for (const field of fields) {
          form.setError(
            field.replace(/^settings\./, ''),
            { message: code === 'invalid-input' ? t('fieldUnusable') : errorText(error) },
            { shouldFocus: true },
          );
        }
      },
    }),
  );
  const nowhere = enter.error !== null && Object.keys(form.formState.errors).length === 0;
  return (
    <form
      className="grid gap-4"
      noValidate
      onSubmit={form.handleSubmit((settings) => enter.mutate({ schoolId, systemId: system.id, settings }))}
    >
      {onCancel !== null && <p className="max-w-prose text-ink-2 text-sm">{t('changeWarning')}</p>}
      <ConnectorFields
        fields={system.settingsFields}
        register={form.register}
        errors={form.formState.errors}
        values={form.watch()}
      />
      {nowhere && <ErrorNotice error={enter.error} />}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" variant="primary" pending={enter.isPending}>
          {t(onCancel === null ? 'saveAndConfirm' : 'save')}
        </Button>
        {onCancel !== null && <Button onClick={onCancel}>{t('keep')}</Button>}
      </div>
    </form>
  );
}
