'use client';

import { ShieldCheck, TriangleAlert } from 'lucide-react';
import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { Fragment } from 'react';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { Checkbox } from '#components/ui/input.tsx';
import { useAgo } from '#components/ui/relative-time.tsx';
import { useConnectorText } from '../connector-text.ts';
import type { Choice, Decision } from './decision.ts';

/** The host, large: it is what the approval is good for, and what somebody with ill will would forge. */
export function HostSection({
  schoolId,
  decision: { system, state, asksForHostConfirmation, reach },
  choice,
  onChoice,
}: {
  schoolId: string;
  decision: Decision;
  choice: Choice;
  onChoice: (choice: Choice) => void;
}) {
  const t = useTranslations('decision');
  const kinds = useTranslations('connections.systemKind');
  const connectorText = useConnectorText();
  const ago = useAgo();
  const kind = kinds(system.kind);
  if (system.hosts.length === 0) {
    return (
      <Section
        title={t('host.title')}
        action={
          <Button asChild>
            <Link href={`/school/${schoolId}/systems/${system.id}`}>{t('host.enter')}</Link>
          </Button>
        }
      >
        <p>{t('host.none', { system: system.name })}</p>
      </Section>
    );
  }
  const addresses = system.addresses.filter(({ value }) => value !== '');
  return (
    <Section title={t('host.title')}>
      <p className="text-ink-2">{t(leadOf(system), { kind, system: system.name })}</p>
      {system.hosts.map((host) => (
        <p key={host} className="break-all font-semibold text-2xl leading-tight tracking-tight">
          {host}
        </p>
      ))}
      <dl className="grid gap-x-4 gap-y-1 sm:grid-cols-[max-content_minmax(0,1fr)]">
        {addresses.map(({ label, value }) => (
          <Fragment key={label}>
            <dt className="text-ink-2 text-sm max-sm:mt-1">{connectorText(label)}</dt>
            <dd>
              <code className="break-all font-mono text-sm">{value}</code>
            </dd>
          </Fragment>
        ))}
      </dl>
      {system.hostConfirmedAt !== null ? (
        <p className="flex items-start gap-2 text-sm">
          <ShieldCheck className="mt-0.5 size-4 shrink-0 text-live" aria-hidden />
          {system.hostConfirmedBy === null
            ? t('host.confirmedNobody', { when: ago(system.hostConfirmedAt) })
            : t('host.confirmed', {
                person: system.hostConfirmedBy,
                when: ago(system.hostConfirmedAt),
              })}
        </p>
      ) : (
        <div className="rounded-control bg-wait-bg px-4 py-3">
          <p className="flex items-start gap-2 font-semibold">
            <TriangleAlert className="mt-0.5 size-4 shrink-0 text-wait" aria-hidden />
            {t('host.unconfirmed')}
          </p>
          {state === 'requested' && asksForHostConfirmation && reach !== null && (
            <Checkbox
              className="mt-2"
              checked={choice.hostConfirmed}
              onChange={(event) => onChoice({ ...choice, hostConfirmed: event.target.checked })}
              label={t('host.confirm', { host: system.hosts.join(', '), kind })}
              hint={t('host.confirmHint')}
            />
          )}
        </div>
      )}
    </Section>
  );
}

function leadOf({ hosts, wayOfPackages }: Decision['system']) {
  if (wayOfPackages === 'upload') return 'host.leadUpload';
  if (wayOfPackages === 'sftp') return 'host.leadSftp';
  return hosts.length > 1 ? 'host.leadMany' : 'host.lead';
}
