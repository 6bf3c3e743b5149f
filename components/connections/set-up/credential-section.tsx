'use client';

import { useMutation } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { HandIn } from '#components/packages/hand-in.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import { ConnectorFields, type FieldValues } from './connector-fields.tsx';
import type { HeldCredential, SetUpPart } from './set-up.ts';
import { TrialResult } from './trial-result.tsx';

const looks = { entered: 'wait', proved: 'live', refused: 'fail', destroyed: 'rest' } as const;

/** What is held, its last test, and the entry. Secrets go in and never come out. */
export function CredentialSection({
  schoolId,
  system,
  credentials,
  onChange,
  onConsent,
  onProved,
  linkToken = null,
}: SetUpPart & {
  credentials: readonly HeldCredential[];
  /** Of a technical contact without an account. */
  linkToken?: string | null;
  /** Instead of reading the page again, where the test succeeded: a link opens nothing from then on. */
  onProved?: () => void;
  /** Called right before the browser leaves for the foreign consent page. */
  onConsent?: () => void;
}) {
  const trpc = useTRPC();
  const t = useTranslations('systemPage');
  const [newest] = credentials.toSorted((a, b) => b.enteredAt.getTime() - a.enteredAt.getTime());
  const [entering, setEntering] = useState(false);
  const needsConsent = system.authentication === 'authorization-code';
  const consentMissing = needsConsent && newest !== undefined && !newest.hasTokens;
  const tried = async (outcome: 'proved' | 'refused' | 'consent-needed') => {
    if (outcome === 'proved' && onProved !== undefined) onProved();
    else await onChange();
  };
  const test = useMutation(
    trpc.connections.testCredential.mutationOptions({
      onSuccess: ({ outcome }) => tried(outcome),
      onError: () => onChange(),
    }),
  );
  const consent = useMutation(
    trpc.connections.startConsent.mutationOptions({
      onSuccess: ({ url }) => {
        onConsent?.();
        window.location.assign(url);
      },
    }),
  );
  const host = system.hosts.join(', ');
  const isByHand = system.wayOfPackages === 'upload';
  const start = () => consent.mutate({ schoolId, systemId: system.id });
  if (system.origins.length === 0 || system.hostConfirmedAt === null) {
    return (
      <Section title={t('credential.title')}>
        <p className="text-ink-2">{t('credential.addressFirst')}</p>
      </Section>
    );
  }
  return (
    <Section title={t(isByHand ? 'credential.packageTitle' : 'credential.title')}>
      <p className="max-w-prose text-ink-2 text-sm">
        {t(isByHand ? 'credential.packageLead' : 'credential.lead', { host })}
      </p>
      <div aria-live="polite" className="grid gap-3 empty:hidden">
        {credentials.map((held) => (
          <div key={held.credentialId} className="grid gap-3 rounded-control border border-line p-4">
            <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
              <span className="flex flex-wrap items-center gap-x-3">
                <StateBadge look={looks[held.state]}>{t(`credential.state.${held.state}`)}</StateBadge>
                <span className="text-ink-2 text-sm">
                  {held.hint !== '' && !isByHand && `${t('credential.hint', { hint: held.hint })} · `}
                  {t.rich('credential.enteredAt', { when: () => <RelativeTime key="when" at={held.enteredAt} /> })}
                </span>
              </span>
              {held === newest && !consentMissing && !isByHand && (
                <Button
                  size="small"
                  pending={test.isPending}
                  onClick={() => test.mutate({ schoolId, systemId: system.id })}
                >
                  {t('credential.testAgain')}
                </Button>
              )}
            </div>
            {held.proof !== null && (
              <>
                <p className="font-semibold">
                  {t(held.proof.ok ? 'trial.proved' : held.state === 'proved' ? 'trial.partly' : 'trial.refused')}
                </p>
                <TrialResult proof={held.proof} />
              </>
            )}
          </div>
        ))}
        {test.isPending && <p role="status">{t('trial.trying', { host })}</p>}
      </div>
      <ErrorNotice error={test.error} />
      {consentMissing && (
        <div className="grid gap-3 rounded-control bg-wait-bg px-4 py-3">
          <p className="font-semibold">{t('credential.consentTitle', { system: system.name })}</p>
          <p className="max-w-prose">{t('credential.consentBody', { host })}</p>
          <Button variant="primary" className="justify-self-start" pending={consent.isPending} onClick={start}>
            {t('credential.consent', { system: system.name })}
          </Button>
        </div>
      )}
      <ErrorNotice error={consent.error} />
      {isByHand ? (
        <HandIn
          schoolId={schoolId}
          systemId={system.id}
          linkToken={linkToken}
          onDone={(taken) => (taken && onProved !== undefined ? onProved() : onChange())}
        />
      ) : newest === undefined || entering ? (
        <CredentialForm
          schoolId={schoolId}
          system={system}
          replaces={newest?.state === 'proved'}
          onChange={onChange}
          onTried={async (outcome) => {
            await tried(outcome);
            setEntering(false);
          }}
          onCancel={newest === undefined ? null : () => setEntering(false)}
        />
      ) : (
        <div className="flex flex-wrap gap-2">
          <Button
            variant={newest.state === 'refused' && !consentMissing ? 'primary' : 'secondary'}
            onClick={() => setEntering(true)}
          >
            {t('credential.replace')}
          </Button>
          {needsConsent && !consentMissing && (
            <Button pending={consent.isPending} onClick={start}>
              {t('credential.consentAgain')}
            </Button>
          )}
        </div>
      )}
      {!isByHand && <p className="text-ink-2 text-sm">{t('credential.destroyedNote')}</p>}
    </Section>
  );
}

function CredentialForm({
  schoolId,
  system,
  replaces,
  onChange,
  onTried,
  onCancel,
}: SetUpPart & {
  replaces: boolean;
  onTried: (outcome: 'proved' | 'refused' | 'consent-needed') => Promise<unknown>;
  onCancel: (() => void) | null;
}) {
  const trpc = useTRPC();
  const t = useTranslations('systemPage');
  const form = useForm<FieldValues>({
    defaultValues: Object.fromEntries(system.secretFields.map(({ name }) => [name, ''])),
  });
  const enter = useMutation(
    trpc.connections.enterCredential.mutationOptions({
      onSuccess: async ({ outcome }) => {
        form.reset();
        await onTried(outcome);
      },
      // What was typed is kept sealed even where the trial itself could not be made: the page shows what is held.
      onError: () => onChange(),
      gcTime: 0,
    }),
  );
  return (
    <form
      className="grid gap-4"
      noValidate
      autoComplete="off"
      onSubmit={form.handleSubmit((secret) => enter.mutate({ schoolId, systemId: system.id, secret }))}
    >
      {replaces && <p className="text-ink-2 text-sm">{t('credential.replaceNote')}</p>}
      <ConnectorFields fields={system.secretFields} register={form.register} errors={form.formState.errors} />
      {enter.isPending && <p role="status">{t('trial.trying', { host: system.hosts.join(', ') })}</p>}
      <ErrorNotice error={enter.error} />
      <div className="flex flex-wrap gap-2">
        <Button type="submit" variant="primary" pending={enter.isPending}>
          {t(system.authentication === 'authorization-code' ? 'credential.submitKey' : 'credential.submit')}
        </Button>
        {onCancel !== null && <Button onClick={onCancel}>{t('credential.keep')}</Button>}
      </div>
    </form>
  );
}
