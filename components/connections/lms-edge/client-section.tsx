'use client';

import { useMutation } from '@tanstack/react-query';
import { useFormatter, useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ConfirmDialog, Dialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Facts } from '#components/ui/facts.tsx';
import { Field } from '#components/ui/field.tsx';
import { Select, Textarea } from '#components/ui/input.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import type { ConnectionPage } from '../connection/connection-page.ts';
import { IssuedClient } from '../pairing/issued-client.tsx';

type Issued = Outputs['consumers']['issueClient'];
type Client = NonNullable<ConnectionPage['client']>;

interface Props {
  readonly schoolId: string;
  readonly connectionId: string;
  readonly onChange: () => Promise<unknown>;
}

const overlaps = ['0', '1', '24', '168'] as const;

/** What an LMS that asks is known by: its client, its secrets by their last letters, when it last asked; issued, replaced and revoked here. */
export function ClientSection({
  data: { client, edge },
  maySteer,
  ...props
}: Props & { data: ConnectionPage; maySteer: boolean }) {
  const trpc = useTRPC();
  const t = useTranslations('consumerClient');
  const [issued, setIssued] = useState<Issued | null>(null);
  const which = { schoolId: props.schoolId, connectionId: props.connectionId };
  const onIssued = async (made: Issued | null) => {
    setIssued(made);
    await props.onChange();
  };
  const issue = useMutation(trpc.consumers.issueClient.mutationOptions({ onSuccess: onIssued }));
  return (
    <Section title={t('title')}>
      {issued !== null && (
        <div className="grid gap-3 rounded-control bg-live-bg px-4 py-3" role="status">
          <h3>{t('issuedTitle')}</h3>
          <p>{t('issuedBody')}</p>
          <IssuedClient issued={issued} />
          <Button className="justify-self-start" onClick={() => setIssued(null)}>
            {t('noted')}
          </Button>
        </div>
      )}
      {client === null ? (
        <>
          <p className="text-ink-2">{t('none', { lms: edge.consumer.name })}</p>
          {maySteer && (
            <Button className="justify-self-start" pending={issue.isPending} onClick={() => issue.mutate(which)}>
              {t('issue')}
            </Button>
          )}
          <ErrorNotice error={issue.error} />
        </>
      ) : (
        <>
          <ClientFacts client={client} />
          {maySteer && (
            <div className="flex flex-wrap gap-2">
              <Reissue {...props} onIssued={onIssued} />
              <SignedCalls {...props} allowed={client.signedCalls} onIssued={onIssued} />
              <Keys {...props} />
              <Revoke {...props} />
            </div>
          )}
        </>
      )}
    </Section>
  );
}

function ClientFacts({ client }: { client: Client }) {
  const t = useTranslations('consumerClient');
  const format = useFormatter();
  return (
    <Facts
      items={[
        [
          t('clientId'),
          <code key="id" className="break-all font-mono text-sm">
            {client.clientId}
          </code>,
        ],
        [
          t('secrets'),
          <ul key="secrets">
            {client.secrets.map(({ hint, issuedAt, endsAt }) => (
              <li key={`${hint}-${issuedAt.toISOString()}`}>
                {endsAt === null
                  ? t.rich('hint', { hint, when: () => <RelativeTime key="when" at={issuedAt} /> })
                  : t('hintEnding', {
                      hint,
                      when: format.dateTime(endsAt, { dateStyle: 'medium', timeStyle: 'short' }),
                    })}
              </li>
            ))}
          </ul>,
        ],
        [t('issued'), <RelativeTime key="issued" at={client.issuedAt} />],
        [t('lastUsed'), client.lastUsedAt === null ? t('never') : <RelativeTime key="used" at={client.lastUsedAt} />],
        [t('keys'), client.keys === null ? t('keysNone') : client.keys === '' ? t('keysHere') : client.keys],
        [t('signed'), t(client.signedCalls ? 'signedOn' : 'signedOff')],
      ]}
    />
  );
}

type Issuing = Props & { readonly onIssued: (made: Issued | null) => Promise<void> };

function Reissue({ schoolId, connectionId, onIssued }: Issuing) {
  const trpc = useTRPC();
  const t = useTranslations('consumerClient');
  const [hours, setHours] = useState<(typeof overlaps)[number]>('24');
  const reissue = useMutation(trpc.consumers.reissueSecret.mutationOptions({ onSuccess: onIssued }));
  return (
    <ConfirmDialog
      trigger={<Button>{t('reissue')}</Button>}
      title={t('reissueTitle')}
      description={t('reissueBody')}
      confirm={t('reissueConfirm')}
      danger={false}
      onConfirm={() => reissue.mutateAsync({ schoolId, connectionId, overlapHours: Number(hours) })}
    >
      <Field label={t('overlap')}>
        <Select
          value={hours}
          onChange={(event) => setHours(overlaps.find((one) => one === event.target.value) ?? '24')}
        >
          {overlaps.map((one) => (
            <option key={one} value={one}>
              {t(`overlapChoice.${one}`)}
            </option>
          ))}
        </Select>
      </Field>
      <ErrorNotice error={reissue.error} />
    </ConfirmDialog>
  );
}

function SignedCalls({ schoolId, connectionId, allowed, onIssued }: Issuing & { allowed: boolean }) {
  const trpc = useTRPC();
  const t = useTranslations('consumerClient');
  const set = useMutation(
    trpc.consumers.setSignedCalls.mutationOptions({
      onSuccess: async (made) => {
        await onIssued(made);
        if (made === null) toast.success(t('ended'));
      },
    }),
  );
  if (allowed) {
    return (
      <>
        <Button pending={set.isPending} onClick={() => set.mutate({ schoolId, connectionId, allowed: false })}>
          {t('end')}
        </Button>
        <ErrorNotice error={set.error} />
      </>
    );
  }
  return (
    <ConfirmDialog
      trigger={<Button>{t('allow')}</Button>}
      title={t('allowTitle')}
      description={t('allowBody')}
      confirm={t('allowConfirm')}
      danger={false}
      onConfirm={() => set.mutateAsync({ schoolId, connectionId, allowed: true })}
    >
      <ErrorNotice error={set.error} />
    </ConfirmDialog>
  );
}

function Keys({ schoolId, connectionId, onChange }: Props) {
  const trpc = useTRPC();
  const t = useTranslations('consumerClient');
  const [open, setOpen] = useState(false);
  const [keys, setKeys] = useState('');
  const set = useMutation(
    trpc.consumers.setClientKeys.mutationOptions({
      onSuccess: async () => {
        setOpen(false);
        await onChange();
        toast.success(t('keysDone'));
      },
    }),
  );
  return (
    <Dialog
      open={open}
      onOpenChange={setOpen}
      trigger={<Button>{t('keysSet')}</Button>}
      title={t('keysTitle')}
      description={t('keysBody')}
    >
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          set.mutate({ schoolId, connectionId, keys });
        }}
      >
        <Field label={t('keysField')}>
          <Textarea value={keys} spellCheck={false} onChange={(event) => setKeys(event.target.value)} />
        </Field>
        <ErrorNotice error={set.error} />
        <Button type="submit" variant="primary" className="justify-self-end" pending={set.isPending}>
          {t('keysConfirm')}
        </Button>
      </form>
    </Dialog>
  );
}

function Revoke({ schoolId, connectionId, onChange }: Props) {
  const trpc = useTRPC();
  const t = useTranslations('consumerClient');
  const revoke = useMutation(
    trpc.consumers.revokeClient.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(t('revoked'));
      },
    }),
  );
  return (
    <ConfirmDialog
      trigger={<Button variant="danger">{t('revoke')}</Button>}
      title={t('revokeTitle')}
      description={t('revokeBody')}
      confirm={t('revokeConfirm')}
      onConfirm={() => revoke.mutateAsync({ schoolId, connectionId })}
    >
      <ErrorNotice error={revoke.error} />
    </ConfirmDialog>
  );
}
