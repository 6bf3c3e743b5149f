'use client';

import { useMutation } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { useAgo } from '#components/ui/relative-time.tsx';
import { CountWords } from '../count-words.tsx';
import type { Decision } from './decision.ts';

/** A few records before the decision. They live in this page's memory and nowhere else. */
export function ExampleSection({
  schoolId,
  decision: { requestId, system, preview, state, reach },
  onLooked,
}: {
  schoolId: string;
  decision: Decision;
  onLooked: () => void;
}) {
  const trpc = useTRPC();
  const t = useTranslations('decision');
  const ago = useAgo();
  const look = useMutation(trpc.connections.previewRequest.mutationOptions({ onSuccess: onLooked, gcTime: 0 }));
  const mayLook = state === 'requested' && reach !== null && preview.available;
  return (
    <Section
      title={t('example.title')}
      action={
        mayLook ? (
          <Button pending={look.isPending} onClick={() => look.mutate({ schoolId, requestId })}>
            {look.data === undefined ? t('example.look') : t('example.again')}
          </Button>
        ) : undefined
      }
    >
      <p className="text-ink-2 text-sm">
        {preview.available || preview.at !== null
          ? t('example.lead', { system: system.name })
          : t('example.unavailable', { system: system.name })}{' '}
        {preview.at !== null && t('example.looked', { when: ago(preview.at) })}
      </p>
      <ErrorNotice error={look.error} />
      <div aria-live="polite" className="grid gap-4 empty:hidden">
        {look.data?.collections.map(({ collection, sample, ...counted }) => {
          const columns = [...new Set(sample.flatMap((row) => Object.keys(row)))];
          return (
            <div key={collection}>
              <h3 className="mb-1 flex flex-wrap items-baseline justify-between gap-x-4">
                {t(`collection.${collection}`)}
                <span className="font-normal text-sm">
                  <CountWords of={counted} />
                </span>
              </h3>
              {sample.length === 0 ? (
                <p className="text-ink-2 text-sm">{t('example.none', { system: system.name })}</p>
              ) : (
                <div className="overflow-x-auto">
                  <table className="w-full border-collapse text-sm">
                    <thead>
                      <tr>
                        {columns.map((column) => (
                          <th
                            key={column}
                            scope="col"
                            className="border-line border-b py-1.5 pr-4 text-left font-semibold text-ink-2"
                          >
                            {t.has(`field.${column}`) ? t(`field.${column}`) : column}
                          </th>
                        ))}
                      </tr>
                    </thead>
                    <tbody>
                      {sample.map((row) => (
                        <tr key={JSON.stringify(row)}>
                          {columns.map((column) => (
                            <td key={column} className="border-line border-b py-1.5 pr-4">
                              {row[column] ?? ''}
                            </td>
                          ))}
                        </tr>
                      ))}
                    </tbody>
                  </table>
                </div>
              )}
            </div>
          );
        })}
      </div>
    </Section>
  );
}
