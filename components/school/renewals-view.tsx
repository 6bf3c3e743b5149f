'use client';

import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { type FormEvent, useState } from 'react';
import { toast } from 'sonner';
import { useScopeWords } from '#components/connections/scope-words.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { ErrorNotice, shownError } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Day } from '#components/ui/relative-time.tsx';

/** Ends come up for many connections at once: one look, one decision, one new end. */
export function RenewalsView({ schoolId, mayRenew }: { schoolId: string; mayRenew: boolean }) {
  const trpc = useTRPC();
  const t = useTranslations('renewals');
  const scopeWords = useScopeWords();
  const queryClient = useQueryClient();
  const options = trpc.connections.renewals.queryOptions({ schoolId });
  const { data: items } = useSuspenseQuery(options);
  const soon = items.filter(({ daysLeft }) => daysLeft <= 90);
  const [ticked, setTicked] = useState<readonly string[]>(soon.map(({ connectionId }) => connectionId));
  const [until, setUntil] = useState<string | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const chosen = items.filter(({ connectionId }) => ticked.includes(connectionId));
  const proposed = chosen.map(({ proposedUntil }) => proposedUntil).toSorted();
  const end = until ?? proposed.at(-1) ?? '';
  const renew = useMutation(
    trpc.connections.renew.mutationOptions({
      onSuccess: async ({ grants }) => {
        setTicked([]);
        await queryClient.invalidateQueries({ queryKey: trpc.connections.pathKey() });
        toast.success(t('done', { count: grants.length }));
      },
      onError: (error) => {
        const { code, details } = shownError(error);
        // What was decided on is not what stands there any more: it is shown anew, nothing was renewed.
        if (code === 'changed-meanwhile') void queryClient.invalidateQueries({ queryKey: options.queryKey });
        if (Array.isArray(details.fields) && details.fields.includes('until')) setWrong(t('untilWrong'));
      },
    }),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWrong(null);
    if (chosen.length === 0) return setWrong(t('none'));
    renew.mutate({
      schoolId,
      items: chosen.map(({ connectionId, fingerprint }) => ({ connectionId, fingerprint })),
      until: end,
    });
  };
  return (
    <>
      <PageHeader
        above={
          <Link href={`/school/${schoolId}/inbox`} className="text-ink-2">
            {t('above')}
          </Link>
        }
        title={t('title')}
        standing={items.length === 0 ? undefined : t('standing', { count: soon.length })}
      />
      {items.length === 0 ? (
        <EmptyState title={t('emptyTitle')}>{t('empty')}</EmptyState>
      ) : (
        <form className="grid max-w-3xl gap-4" noValidate onSubmit={submit}>
          <Card className="p-0">
            <ul aria-label={t('caption')}>
              {items.map((item) => (
                <li key={item.connectionId} className="border-line border-t first:border-0">
                  <label className="flex items-start gap-3 px-5 py-3">
                    <input
                      type="checkbox"
                      className="mt-0.5 size-[18px] shrink-0 accent-accent"
                      aria-label={t('choose', { system: item.system.name })}
                      disabled={!mayRenew}
                      checked={ticked.includes(item.connectionId)}
                      onChange={(event) =>
                        setTicked(
                          event.target.checked
                            ? [...ticked, item.connectionId]
                            : ticked.filter((other) => other !== item.connectionId),
                        )
                      }
                    />
                    <span>
                      <span className="block font-semibold">
                        {t('receives', { what: scopeWords(item.scopes), system: item.system.name })}
                      </span>
                      <span className="block text-ink-2 text-sm">
                        {t.rich('ends', { days: item.daysLeft, day: () => <Day key="day" on={item.until} /> })}
                        {item.sites.length > 0 && ` · ${t('sites', { count: item.sites.length })}`}
                      </span>
                      <q className="block text-ink-2 text-sm">{item.purpose}</q>
                    </span>
                  </label>
                </li>
              ))}
            </ul>
          </Card>
          {mayRenew ? (
            <>
              <Field label={t('until')} error={wrong ?? undefined}>
                <Input
                  type="date"
                  className="max-w-56"
                  value={end}
                  onChange={(event) => setUntil(event.target.value)}
                />
              </Field>
              {wrong === null && <ErrorNotice error={renew.error} />}
              <Button type="submit" variant="primary" className="justify-self-start" pending={renew.isPending}>
                {t('submit', { count: chosen.length })}
              </Button>
            </>
          ) : (
            <p className="text-ink-2">{t('onlyApprover')}</p>
          )}
        </form>
      )}
    </>
  );
}
