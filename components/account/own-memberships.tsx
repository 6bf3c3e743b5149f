'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useFormatter, useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import { useMe } from './use-me.ts';

/** Where this person has which roles, and the way out. */
export function OwnMemberships() {
  const t = useTranslations('people.account');
  const roles = useTranslations('people.roles');
  const format = useFormatter();
  const trpc = useTRPC();
  const queries = useQueryClient();
  const me = useMe();
  const leave = useMutation(
    trpc.people.leaveOrganisation.mutationOptions({
      onSuccess: () => queries.invalidateQueries({ queryKey: trpc.people.whoAmI.queryKey() }),
    }),
  );
  const organisations = me?.account.organisations ?? [];
  return (
    <Section title={t('placesTitle')}>
      {organisations.length === 0 && <p className="text-ink-2">{t('noPlace')}</p>}
      <ul className="divide-y divide-line">
        {organisations.map((organisation) => (
          <li key={organisation.organisationId} className="flex flex-wrap items-center justify-between gap-3 py-2">
            <div className="min-w-0">
              <p className="flex flex-wrap items-center gap-2 font-semibold">
                {organisation.name}
                {organisation.suspended && <StateBadge look="fail">{t('suspended')}</StateBadge>}
              </p>
              <p className="text-ink-2 text-sm">
                {format.list([...new Set(organisation.roles.map(({ role }) => roles(role)))])}
              </p>
            </div>
            <ConfirmDialog
              trigger={
                <Button size="small" aria-label={t('leaveThis', { organisation: organisation.name })}>
                  {t('leave')}
                </Button>
              }
              title={t('leaveThis', { organisation: organisation.name })}
              description={t('leaveWhat')}
              confirm={t('leave')}
              onConfirm={() => leave.mutateAsync({ organisationId: organisation.organisationId })}
            >
              <ErrorNotice error={leave.error} />
            </ConfirmDialog>
          </li>
        ))}
      </ul>
    </Section>
  );
}
