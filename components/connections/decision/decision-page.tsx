'use client';

import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useFormatter, useTranslations } from 'next-intl';
import { useState } from 'react';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Ask, Section } from '#components/ui/card.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { useAgo } from '#components/ui/relative-time.tsx';
import { useScopeWords } from '../scope-words.tsx';
import type { Choice } from './decision.ts';
import { DecisionAside } from './decision-aside.tsx';
import { ExampleSection } from './example-section.tsx';
import { HostSection } from './host-section.tsx';
import { nameInSentence } from './name-in-sentence.ts';
import { NarrowingSection } from './narrowing-section.tsx';
import { ReleasedData } from './released-data.tsx';
import { RequestOver } from './request-over.tsx';
import { SitesSection } from './sites-section.tsx';

interface Which {
  readonly schoolId: string;
  readonly requestId: string;
}

/** A request on one screen: who asks, what for, of which system, which data, how long, what changes, how to undo it. */
export function DecisionPage({ schoolId, requestId }: Which) {
  const trpc = useTRPC();
  const t = useTranslations('decision');
  const kinds = useTranslations('connections.systemKind');
  const format = useFormatter();
  const ago = useAgo();
  const scopeWords = useScopeWords();
  const queryClient = useQueryClient();
  const options = trpc.connections.decisionPage.queryOptions({ schoolId, requestId });
  const { data } = useSuspenseQuery({
    ...options,
    // Another approver may decide, and the asker may revise, while this page is open.
    refetchInterval: (query) => (query.state.data?.state === 'requested' ? 10_000 : false),
  });
  const [seen, setSeen] = useState(data.fingerprint);
  const [choice, setChoice] = useState<Choice>({
    sites: data.reach?.kind === 'sites' ? data.reach.siteIds : [],
    withoutScopes: [],
    withoutFields: [],
    streams: [],
    subjects: [],
    hostConfirmed: false,
  });

  const open = data.state === 'requested';
  const changed = open && data.fingerprint !== seen;
  const asker = nameInSentence(t(`consumer.${data.consumer}`), data.consumerName);
  const asked = data.scopes.map(({ scope }) => scope);
  const refresh = () => queryClient.invalidateQueries({ queryKey: options.queryKey });
  return (
    <>
      <PageHeader
        title={t(`title.${data.kind}`, { asker, what: scopeWords(asked), system: data.system.name })}
        standing={[
          data.askedAt === null
            ? t('notSent')
            : data.asker.person === null
              ? t('askedByOrganisation', {
                  when: ago(data.askedAt),
                  organisation: data.asker.organisation,
                })
              : t('askedBy', {
                  when: ago(data.askedAt),
                  person: data.asker.person,
                  organisation: data.asker.organisation,
                }),
          ...(data.consumer === 'marketplace' ? [t('noPeople')] : []),
          ...(open ? [t('undoAnyTime')] : []),
        ].join(' · ')}
      />
      <div aria-live="polite">
        {!open && <RequestOver schoolId={schoolId} decision={data} />}
        {changed && (
          <div className="mb-5">
            <Ask action={<Button onClick={() => setSeen(data.fingerprint)}>{t('changed.seen')}</Button>}>
              <strong className="block">{t('changed.title')}</strong>
              <span className="text-ink-2">{t('changed.body')}</span>
            </Ask>
          </div>
        )}
      </div>
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_340px]">
        <div className="grid gap-4">
          <Section title={t('purpose.title')}>
            <p className="max-w-prose whitespace-pre-line">“{data.purpose}”</p>
          </Section>
          {data.consumerSystem !== null && (
            <Section title={t('recipient.title')}>
              <p className="font-semibold text-xl">{data.consumerSystem.name}</p>
              {data.consumerSystem.hosts.map((host) => (
                <p key={host} className="break-all">
                  {host}
                </p>
              ))}
              <p className="text-ink-2 text-sm">{t('recipient.hint')}</p>
            </Section>
          )}
          <HostSection schoolId={schoolId} decision={data} choice={choice} onChoice={setChoice} />
          <ReleasedData decision={data} choice={choice} onChoice={setChoice}>
            {open && data.reach !== null && (data.sites.length > 1 || data.reach.kind === 'sites') && (
              <SitesSection decision={data} choice={choice} onChoice={setChoice} />
            )}
            {open && data.reach !== null && <NarrowingSection decision={data} choice={choice} onChoice={setChoice} />}
          </ReleasedData>
          {(open || data.preview.at !== null) && (
            <ExampleSection schoolId={schoolId} decision={data} onLooked={refresh} />
          )}
          {open && (
            <div className="grid gap-4 md:grid-cols-2">
              <Section title={t('changes.title')}>
                <ul className="grid list-disc gap-1.5 pl-5 marker:text-ink-2">
                  <li>
                    {t(
                      data.credential.suffices
                        ? 'changes.syncNow'
                        : data.credential.proved
                          ? 'changes.triedFirst'
                          : 'changes.credentialFirst',
                      { system: data.system.name },
                    )}
                  </li>
                  <li>
                    {t(data.system.wayOfPackages === null ? 'changes.reads' : 'changes.readsPackages', {
                      what: scopeWords(asked),
                      system: data.system.name,
                    })}
                  </li>
                  <li>
                    {data.consumerSystem?.way == null
                      ? t('changes.sees')
                      : t(`changes.way.${data.consumerSystem.way}`, { lms: data.consumerSystem.name })}
                  </li>
                  {data.released !== null && (
                    <li>
                      {t('changes.replaces', {
                        what: scopeWords(data.released.scopes),
                        until: format.dateTime(new Date(`${data.released.until}T00:00:00Z`), {
                          dateStyle: 'long',
                          timeZone: 'UTC',
                        }),
                      })}
                    </li>
                  )}
                </ul>
              </Section>
              <Section title={t('undo.title')}>
                <p>{t('undo.text')}</p>
              </Section>
            </div>
          )}
        </div>
        <DecisionAside
          schoolId={schoolId}
          decision={data}
          choice={choice}
          fingerprint={seen}
          changed={changed}
          kind={kinds(data.system.kind)}
          onDecided={refresh}
        />
      </div>
    </>
  );
}
