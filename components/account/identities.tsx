'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { leaveForProvider } from './sign-in-actions.ts';
import { useMe } from './use-me.ts';

interface Provider {
  readonly id: string;
  readonly label: string;
  readonly issuer: string;
}

/** Accounts elsewhere that sign this person in. Nothing is shown where this installation knows no provider. */
export function Identities({ providers }: { providers: readonly Provider[] }) {
  const t = useTranslations('people.account');
  const trpc = useTRPC();
  const queries = useQueryClient();
  const me = useMe();
  const unlink = useMutation(
    trpc.people.unlinkIdentity.mutationOptions({
      onSuccess: () => queries.invalidateQueries({ queryKey: trpc.people.whoAmI.queryKey() }),
    }),
  );
  const identities = me?.account.identities ?? [];
  if (providers.length === 0 && identities.length === 0) return null;
  const labelOf = (issuer: string) => providers.find((one) => one.issuer === issuer)?.label ?? new URL(issuer).hostname;
  return (
    <Section title={t('identitiesTitle')}>
      {identities.length === 0 ? (
        <p className="text-ink-2">{t('noIdentity')}</p>
      ) : (
        <ul className="divide-y divide-line">
          {identities.map(({ issuer, subject, createdAt }) => (
            <li key={`${issuer} ${subject}`} className="flex flex-wrap items-center justify-between gap-3 py-2">
              <div>
                <p className="font-semibold">{labelOf(issuer)}</p>
                <p className="text-ink-2 text-sm">
                  {t('linkedSince')} <RelativeTime at={createdAt} />
                </p>
              </div>
              <ConfirmDialog
                trigger={<Button size="small">{t('unlink')}</Button>}
                title={t('unlinkTitle', { provider: labelOf(issuer) })}
                description={t('unlinkWhat', { provider: labelOf(issuer) })}
                confirm={t('unlink')}
                onConfirm={() => unlink.mutateAsync({ issuer, subject })}
              >
                <ErrorNotice error={unlink.error} />
              </ConfirmDialog>
            </li>
          ))}
        </ul>
      )}
      <div className="flex flex-wrap gap-2">
        {providers.map((provider) => (
          <form key={provider.id} action={leaveForProvider}>
            <input type="hidden" name="provider" value={provider.id} />
            <input type="hidden" name="meaning" value="link" />
            <input type="hidden" name="next" value="/account" />
            <Button type="submit">{t('link', { provider: provider.label })}</Button>
          </form>
        ))}
      </div>
    </Section>
  );
}
