'use client';

import Link from 'next/link';
import { useTranslations } from 'next-intl';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import type { SchoolRole } from '#db/schema/vocabulary.ts';
import { useEdgeWords } from '../edge-words.ts';
import { useScopeWords } from '../scope-words.tsx';
import { isOver, lookOfConnection } from '../state-look.ts';

/** On an LMS's card: what it receives of which SIS, and the first step where it receives nothing. */
export function ReceivesSection({
  schoolId,
  system,
  roles,
  isAdministrator,
}: {
  schoolId: string;
  system: Outputs['systems']['page'];
  roles: readonly SchoolRole[];
  isAdministrator: boolean;
}) {
  const t = useTranslations('systemPage.receives');
  const words = useEdgeWords(roles);
  const scopeWords = useScopeWords();
  const living = system.receives.filter(({ state }) => !isOver(state));
  const open = system.sources.filter(({ id }) => !living.some(({ producer }) => producer.id === id));
  return (
    <Section title={t('title')}>
      {living.length === 0 && (
        <p className="text-ink-2">{t(system.sources.length === 0 ? 'noSource' : 'none', { system: system.name })}</p>
      )}
      <ul className="grid gap-3">
        {living.map((edge) => (
          <li key={edge.connectionId}>
            <StateBadge look={lookOfConnection(edge.state, edge.cause, edge.turn)} className="whitespace-normal">
              {words.state(edge)}
            </StateBadge>
            <Link href={`/school/${schoolId}/connections/${edge.connectionId}`} className="block">
              {edge.producer.name}: {scopeWords(edge.flows.map(({ scope }) => scope))}
            </Link>
            <span className="block text-ink-2 text-sm">{words.cause(edge)}</span>
          </li>
        ))}
      </ul>
      {isAdministrator &&
        open.map(({ id, name }) => (
          <Button key={id} asChild className="h-auto justify-self-start whitespace-normal">
            <Link href={`/school/${schoolId}/requests/new?system=${id}&lms=${system.id}`}>
              {t('ask', { sis: name })}
            </Link>
          </Button>
        ))}
    </Section>
  );
}
