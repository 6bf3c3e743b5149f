'use client';

import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useFormatter, useNow, useTranslations } from 'next-intl';
import { toast } from 'sonner';
import { CallLog } from '#components/connections/call-log.tsx';
import { useEdgeWords } from '#components/connections/edge-words.ts';
import { ReceivesSection } from '#components/connections/lms-edge/receives-section.tsx';
import { SendPairingLink } from '#components/connections/lms-edge/send-pairing-link.tsx';
import { useScopeWords } from '#components/connections/scope-words.tsx';
import { AddressSection } from '#components/connections/set-up/address-section.tsx';
import { CredentialSection } from '#components/connections/set-up/credential-section.tsx';
import { SendLink } from '#components/connections/set-up/send-link.tsx';
import { SetUpGuide } from '#components/connections/set-up/set-up-guide.tsx';
import { TechnicalContacts } from '#components/connections/set-up/technical-contacts.tsx';
import { isOver, lookOfConnection } from '#components/connections/state-look.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Ask, Section } from '#components/ui/card.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { useAgo } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { SystemParts } from './system-parts.tsx';

type Page = Outputs['systems']['page'];

/** One SIS or LMS: where it stands, the guide, its credentials and their test, who runs it, what it is used for. */
export function SystemView({
  schoolId,
  systemId,
  roles,
  consent,
}: {
  schoolId: string;
  systemId: string;
  roles: readonly SchoolRole[];
  /** What the foreign consent page answered, where the reader has just come back from there. */
  consent: string | null;
}) {
  const trpc = useTRPC();
  const t = useTranslations('systemPage');
  const kinds = useTranslations('connections.systemKind');
  const queryClient = useQueryClient();
  const options = trpc.systems.page.queryOptions({ schoolId, systemId });
  const { data: system } = useSuspenseQuery(options);
  const standing = useStanding();
  const onChange = () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: trpc.systems.pathKey() }),
      queryClient.invalidateQueries({ queryKey: trpc.connections.pathKey() }),
      queryClient.invalidateQueries({ queryKey: trpc.sync.pathKey() }),
    ]);
  const isAdministrator = roles.includes('school-administrator');
  const maySetUp = roles.some((role) => role !== 'signatory');
  const maySeeCalls = maySetUp;
  const proved = system.credentials.some(({ state }) => state === 'proved');
  /** An LMS that asks us is never asked: nothing is entered for it. */
  const isAsked = system.secretFields.length > 0 || system.wayOfPackages !== null;
  const living = [...system.connections, ...system.receives].filter(({ state }) => !isOver(state));
  return (
    <>
      <PageHeader
        above={
          <Link href={`/school/${schoolId}`} className="text-ink-2">
            {t('above')}
          </Link>
        }
        title={system.name}
        standing={`${kinds(system.kind)} · ${system.product.name} · ${standing(system)}`}
      />
      <SystemParts schoolId={schoolId} systemId={systemId} kind={system.kind} roles={roles} />
      <ConsentAnswer answer={consent} />
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_340px]">
        <div className="grid gap-4">
          {maySetUp && (
            <>
              <AddressSection
                schoolId={schoolId}
                system={system}
                onChange={onChange}
                confirmedBy={system.hostConfirmedBy}
                mayChange
              />
              {system.credentials.length === 0 && <SetUpGuide system={system} open />}
              {isAsked && (
                <CredentialSection
                  schoolId={schoolId}
                  system={system}
                  credentials={system.credentials}
                  onChange={onChange}
                />
              )}
              {system.credentials.length > 0 && <SetUpGuide system={system} open={!proved} />}
            </>
          )}
          {maySeeCalls && isAsked && (
            <CallLog
              schoolId={schoolId}
              systemId={systemId}
              systemName={system.name}
              marketplaceOnly={system.connections.every(({ consumer }) => consumer.kind === 'marketplace')}
            />
          )}
        </div>
        <div className="grid gap-4">
          {maySetUp && isAsked && !proved && (
            <Section title={t('send.title')}>
              <p className="text-ink-2 text-sm">{t('send.body', { system: system.name })}</p>
              <SendLink schoolId={schoolId} system={system} onSent={onChange} />
              <SentLinks links={system.links} />
            </Section>
          )}
          {system.kind === 'lms' && (
            <ReceivesSection schoolId={schoolId} system={system} roles={roles} isAdministrator={isAdministrator} />
          )}
          {system.kind === 'sis' && isAdministrator && (
            <Section title={t('pairing.title')}>
              <p className="text-ink-2 text-sm">{t('pairing.body', { system: system.name })}</p>
              <SendPairingLink schoolId={schoolId} system={system} />
            </Section>
          )}
          {isAsked && (
            <UsedFor
              schoolId={schoolId}
              system={system}
              living={system.connections.filter(({ state }) => !isOver(state))}
              roles={roles}
            />
          )}
          <Section title={t('contacts.title')}>
            <TechnicalContacts
              schoolId={schoolId}
              system={system}
              isAdministrator={isAdministrator}
              onChange={onChange}
            />
          </Section>
          {isAdministrator && <Remove schoolId={schoolId} system={system} living={living.length} />}
        </div>
      </div>
    </>
  );
}

function useStanding(): (system: Page) => string {
  const t = useTranslations('systemPage.standing');
  const ago = useAgo();
  return ({ name, origins, hostConfirmedAt, credentials, authentication, wayOfPackages, secretFields }) => {
    if (secretFields.length === 0 && wayOfPackages === null) return t('asks');
    if (origins.length === 0) return t('address-missing');
    if (hostConfirmedAt === null) return t('address-unconfirmed');
    const proved = credentials.find(({ state }) => state === 'proved');
    const isByHand = wayOfPackages === 'upload';
    if (proved !== undefined)
      return t(isByHand ? 'package-proved' : 'proved', { when: ago(proved.provedAt ?? proved.enteredAt) });
    const [held] = credentials;
    if (held === undefined) return t(isByHand ? 'package-missing' : 'credential-missing');
    if (authentication === 'authorization-code' && !held.hasTokens) return t('consent-missing', { system: name });
    if (isByHand) return t('package-refused');
    return t(held.state === 'refused' ? 'refused' : 'entered');
  };
}

function ConsentAnswer({ answer }: { answer: string | null }) {
  const t = useTranslations('systemPage.consentAnswer');
  const errors = useTranslations('errors');
  if (answer === null) return null;
  const text =
    answer === 'proved' || answer === 'refused' ? t(answer) : errors.has(answer) ? errors(answer) : errors('internal');
  return (
    <div className="mb-5" role="status">
      <Ask look={answer === 'proved' ? 'live' : 'fail'}>
        <strong>{text}</strong>
      </Ask>
    </div>
  );
}

function SentLinks({ links }: { links: Page['links'] }) {
  const t = useTranslations('systemPage.send');
  const format = useFormatter();
  const now = useNow({ updateInterval: 60_000 });
  if (links.length === 0) return null;
  return (
    <div className="border-line border-t pt-3">
      <h3 className="text-sm">{t('sent')}</h3>
      <ul className="mt-1 grid gap-1 text-sm">
        {links.map((link) => {
          const state =
            link.usedAt !== null
              ? t('state.used')
              : link.withdrawnAt !== null
                ? t('state.withdrawn')
                : link.expiresAt <= now
                  ? t('state.expired')
                  : t('state.open', { when: format.dateTime(link.expiresAt, { dateStyle: 'medium' }) });
          return (
            <li key={`${link.email}-${link.sentAt.toISOString()}`} className="break-words">
              {link.name}{' '}
              <span className="text-ink-2">
                · {link.email} · {state}
              </span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function UsedFor({
  schoolId,
  system,
  living,
  roles,
}: {
  schoolId: string;
  system: Page;
  living: Page['connections'];
  roles: readonly SchoolRole[];
}) {
  const t = useTranslations('systemPage.connections');
  const scopeWords = useScopeWords();
  const words = useEdgeWords(roles);
  return (
    <Section title={t('title')}>
      {living.length === 0 ? (
        <>
          <p className="text-ink-2">{t('none', { system: system.name })}</p>
          {roles.includes('school-administrator') && (
            <Button asChild className="justify-self-start">
              <Link href={`/school/${schoolId}/requests/new?system=${system.id}`}>{t('ask')}</Link>
            </Button>
          )}
        </>
      ) : (
        <ul className="grid gap-3">
          {living.map((edge) => (
            <li key={edge.connectionId}>
              <StateBadge look={lookOfConnection(edge.state, edge.cause, edge.turn)} className="whitespace-normal">
                {words.state(edge)}
              </StateBadge>
              <Link href={`/school/${schoolId}/connections/${edge.connectionId}`} className="block">
                {scopeWords(edge.flows.map(({ scope }) => scope))}
              </Link>
              <span className="block text-ink-2 text-sm">{words.cause(edge)}</span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Remove({ schoolId, system, living }: { schoolId: string; system: Page; living: number }) {
  const trpc = useTRPC();
  const t = useTranslations('systemPage.remove');
  const router = useRouter();
  const queryClient = useQueryClient();
  const remove = useMutation(
    trpc.systems.remove.mutationOptions({
      onSuccess: () => {
        toast.success(t('done', { system: system.name }));
        router.push(`/school/${schoolId}`);
        void queryClient.invalidateQueries({ queryKey: trpc.connections.pathKey() });
      },
    }),
  );
  return (
    <Section title={t('title')}>
      <p className="text-ink-2 text-sm">{t('body')}</p>
      <ConfirmDialog
        trigger={
          <Button variant="danger" className="h-auto justify-self-start whitespace-normal">
            {t('button', { system: system.name })}
          </Button>
        }
        title={t('confirmTitle', { system: system.name })}
        description={t('confirmBody', { system: system.name, count: living })}
        confirm={t('confirm')}
        onConfirm={() => remove.mutateAsync({ schoolId, systemId: system.id })}
      >
        <ErrorNotice error={remove.error} />
      </ConfirmDialog>
    </Section>
  );
}
