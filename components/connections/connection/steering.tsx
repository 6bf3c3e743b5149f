'use client';

import { useMutation, useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useFormatter, useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ConfirmDialog, Dialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Checkbox, Input } from '#components/ui/input.tsx';
import type { SchoolRole, Scope } from '#db/schema/vocabulary.ts';
import { useScopeWords } from '../scope-words.tsx';
import type { ConnectionPage } from './connection-page.ts';

interface SteeringProps {
  readonly schoolId: string;
  readonly data: ConnectionPage;
  readonly roles: readonly SchoolRole[];
  readonly name: string;
  readonly onChange: () => Promise<unknown>;
}

/** Pause, resume, release less, ask for a change, renew, end: each says what it does before it does it. */
export function Steering(props: SteeringProps) {
  const t = useTranslations('connectionPage.steer');
  const { schoolId, data, roles } = props;
  const { edge } = data;
  const steers = roles.includes('approver') || roles.includes('school-administrator');
  if (!steers) return null;
  const granted = edge.grantId !== null;
  return (
    <Section title={t('title')}>
      <div className="grid gap-2 [&>*]:justify-self-stretch">
        {edge.state === 'paused' ? (
          edge.cause === 'paused-by-school' && <Resume {...props} />
        ) : granted ? (
          <Pause {...props} />
        ) : null}
        {granted && <Narrow {...props} />}
        {granted && roles.includes('school-administrator') && edge.openRequest === null && (
          <Button asChild>
            <Link
              href={`/school/${schoolId}/requests/new?system=${edge.producer.id}${edge.consumer.kind === 'lms' ? `&lms=${edge.consumer.id ?? ''}` : ''}`}
            >
              {t('amend')}
            </Link>
          </Button>
        )}
        {granted && roles.includes('approver') && <Renew {...props} />}
        <Revoke {...props} />
      </div>
    </Section>
  );
}

function Resume({ schoolId, data: { edge }, onChange }: SteeringProps) {
  const trpc = useTRPC();
  const t = useTranslations('connectionPage.steer');
  const resume = useMutation(
    trpc.connections.resume.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(t('resumed'));
      },
    }),
  );
  return (
    <>
      <Button
        variant="primary"
        pending={resume.isPending}
        onClick={() => resume.mutate({ schoolId, connectionId: edge.connectionId })}
      >
        {t('resume')}
      </Button>
      <ErrorNotice error={resume.error} />
    </>
  );
}

function Pause({ schoolId, data: { edge }, onChange }: SteeringProps) {
  const trpc = useTRPC();
  const t = useTranslations('connectionPage.steer');
  const format = useFormatter();
  const [day, setDay] = useState('');
  const pause = useMutation(
    trpc.connections.pause.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(
          day === ''
            ? t('paused')
            : t('pausedUntil', { day: format.dateTime(new Date(`${day}T00:00:00`), { dateStyle: 'long' }) }),
        );
      },
    }),
  );
  return (
    <ConfirmDialog
      trigger={<Button>{t('pause')}</Button>}
      title={t('pauseTitle')}
      description={t('pauseBody', { system: edge.producer.name })}
      confirm={t('pauseConfirm')}
      danger={false}
      onConfirm={() =>
        pause.mutateAsync({
          schoolId,
          connectionId: edge.connectionId,
          resumesAt: day === '' ? undefined : new Date(`${day}T00:00:00`),
        })
      }
    >
      <Field label={t('pauseUntil')} hint={t('pauseUntilHint')}>
        <Input type="date" value={day} min={tomorrow()} onChange={(event) => setDay(event.target.value)} />
      </Field>
      <ErrorNotice error={pause.error} />
    </ConfirmDialog>
  );
}

function Narrow({ schoolId, data: { edge, grants }, onChange }: SteeringProps) {
  const trpc = useTRPC();
  const t = useTranslations('connectionPage.steer');
  const facts = useTranslations('connectionPage.facts');
  const words = useTranslations('connections.scope');
  const [open, setOpen] = useState(false);
  const all = edge.flows.map(({ scope }) => scope);
  const live = grants.find(({ endedAt }) => endedAt === null);
  const [scopes, setScopes] = useState<readonly Scope[]>(all);
  const [sites, setSites] = useState<readonly string[]>([]);
  const [until, setUntil] = useState(edge.until);
  const [nothing, setNothing] = useState(false);
  const limits = useQuery({ ...trpc.people.listRoleLimits.queryOptions({ schoolId }), enabled: open });
  const granted = live?.sites ?? [];
  const choosable = granted.length > 0 ? granted : (limits.data?.sites ?? []);
  const narrow = useMutation(
    trpc.connections.narrow.mutationOptions({
      onSuccess: async () => {
        setOpen(false);
        await onChange();
        toast.success(t('narrowed'));
      },
    }),
  );
  const toggle = <T,>(list: readonly T[], item: T, on: boolean) =>
    on ? [...list, item] : list.filter((other) => other !== item);
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        setOpen(next);
        setScopes(all);
        setSites([]);
        setUntil(edge.until);
        setNothing(false);
        narrow.reset();
      }}
      trigger={<Button>{t('narrow')}</Button>}
      title={t('narrowTitle', { system: edge.producer.name })}
      description={t('narrowBody')}
    >
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          const less = scopes.length < all.length || sites.length > 0 || until < edge.until;
          setNothing(!less);
          if (!less) return;
          narrow.mutate({
            schoolId,
            connectionId: edge.connectionId,
            scopes: [...scopes],
            sites: sites.length === 0 ? undefined : [...sites],
            until,
          });
        }}
      >
        <fieldset>
          <legend className="font-semibold">{t('narrowScopes')}</legend>
          {all.map((scope) => (
            <Checkbox
              key={scope}
              label={words(scope)}
              checked={scopes.includes(scope)}
              // At least one stays: to release nothing is to end the connection.
              disabled={scopes.length === 1 && scopes.includes(scope)}
              onChange={(event) => setScopes(toggle(scopes, scope, event.target.checked))}
            />
          ))}
        </fieldset>
        {choosable.length > 1 && (
          <fieldset>
            <legend className="font-semibold">{t('narrowSites')}</legend>
            <p className="text-ink-2 text-sm">
              {t('narrowSitesAll', {
                sites: granted.length === 0 ? facts('allSites') : granted.map(({ name }) => name).join(', '),
              })}
            </p>
            {choosable.map(({ id, name }) => (
              <Checkbox
                key={id}
                label={name}
                checked={sites.includes(id)}
                onChange={(event) => setSites(toggle(sites, id, event.target.checked))}
              />
            ))}
          </fieldset>
        )}
        <Field label={t('narrowUntil')}>
          <Input
            type="date"
            value={until}
            min={tomorrow()}
            max={edge.until}
            onChange={(event) => setUntil(event.target.value === '' ? edge.until : event.target.value)}
          />
        </Field>
        {nothing && (
          <p role="alert" className="font-semibold text-fail text-sm">
            {t('narrowNothing')}
          </p>
        )}
        <ErrorNotice error={narrow.error} />
        <Button type="submit" variant="primary" className="justify-self-end" pending={narrow.isPending}>
          {t('narrowConfirm')}
        </Button>
      </form>
    </Dialog>
  );
}

function Renew({ schoolId, data: { edge }, onChange }: SteeringProps) {
  const trpc = useTRPC();
  const t = useTranslations('connectionPage.steer');
  const format = useFormatter();
  const [chosen, setChosen] = useState<string | null>(null);
  const renewals = useQuery(trpc.connections.renewals.queryOptions({ schoolId }));
  const item = renewals.data?.find(({ connectionId }) => connectionId === edge.connectionId);
  const until = chosen ?? item?.proposedUntil ?? '';
  const renew = useMutation(
    trpc.connections.renew.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(
          t('renewed', {
            day: format.dateTime(new Date(`${until}T00:00:00Z`), { dateStyle: 'long', timeZone: 'UTC' }),
          }),
        );
      },
    }),
  );
  if (item === undefined) return null;
  return (
    <ConfirmDialog
      trigger={<Button>{t('renew')}</Button>}
      title={t('renewTitle')}
      description={t('renewBody')}
      confirm={t('renewConfirm')}
      danger={false}
      onConfirm={() =>
        renew.mutateAsync({
          schoolId,
          items: [{ connectionId: edge.connectionId, fingerprint: item.fingerprint }],
          until,
        })
      }
    >
      <Field label={t('renewUntil')}>
        <Input type="date" value={until} min={edge.until} onChange={(event) => setChosen(event.target.value)} />
      </Field>
      <ErrorNotice error={renew.error} />
    </ConfirmDialog>
  );
}

function Revoke({ schoolId, data: { edge }, name, onChange }: SteeringProps) {
  const trpc = useTRPC();
  const t = useTranslations('connectionPage.steer');
  const scopeWords = useScopeWords();
  const graph = useQuery(trpc.connections.schoolGraph.queryOptions({ schoolId }));
  const others = graph.data?.edges.filter(
    ({ producer, connectionId }) => producer.id === edge.producer.id && connectionId !== edge.connectionId,
  );
  const revoke = useMutation(
    trpc.connections.revoke.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(t('revoked'));
      },
    }),
  );
  return (
    <ConfirmDialog
      trigger={
        <Button variant="danger" className="h-auto whitespace-normal">
          {t('revoke')}
        </Button>
      }
      title={t('revokeTitle', { name })}
      description={t('revokeBody', {
        what: scopeWords(edge.flows.map(({ scope }) => scope)),
        last: String(others !== undefined && others.length === 0),
        system: edge.producer.name,
      })}
      confirm={t('revokeConfirm')}
      onConfirm={() => revoke.mutateAsync({ schoolId, connectionId: edge.connectionId })}
    >
      <ErrorNotice error={revoke.error} />
    </ConfirmDialog>
  );
}

/** The day after this one, for the least that a date field takes. */
function tomorrow(): string {
  const at = new Date();
  at.setDate(at.getDate() + 1);
  return at.toISOString().slice(0, 10);
}
