'use client';

import { useMutation } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import type { ConnectionPage } from '../connection/connection-page.ts';

/** SIS and LMS are connected without us: what shows it, and that nothing is sent. */
export function DirectSection({
  schoolId,
  data: { edge },
  mayLook,
  onChange,
}: {
  schoolId: string;
  data: ConnectionPage;
  mayLook: boolean;
  onChange: () => Promise<unknown>;
}) {
  const trpc = useTRPC();
  const t = useTranslations('connectionPage.direct');
  const look = useMutation(trpc.connections.lookForIds.mutationOptions({ onSuccess: onChange }));
  const found = look.data ?? edge.directProof;
  const names = { system: edge.producer.name, lms: edge.consumer.name };
  return (
    <Section title={t('title')}>
      <p>{t('lead', names)}</p>
      <div role="status">
        {found !== null && found.groups.found + found.subjects.found > 0 && (
          <p>
            {t.rich('found', {
              ...names,
              groups: found.groups.found,
              ofGroups: found.groups.of,
              subjects: found.subjects.found,
              ofSubjects: found.subjects.of,
              when: () => <RelativeTime key="when" at={new Date(found.at)} />,
            })}
          </p>
        )}
        {look.data !== undefined && look.data.groups.found + look.data.subjects.found === 0 && (
          <p className="font-semibold">
            {t(look.data.courses === 0 ? 'noCourses' : 'notFound', { ...names, courses: look.data.courses })}
          </p>
        )}
      </div>
      <ErrorNotice error={look.error} />
      {mayLook && (
        <Button
          className="justify-self-start"
          pending={look.isPending}
          onClick={() => look.mutate({ schoolId, connectionId: edge.connectionId })}
        >
          {t('look')}
        </Button>
      )}
    </Section>
  );
}
