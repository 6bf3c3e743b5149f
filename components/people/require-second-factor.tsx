'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useFormatter, useTranslations } from 'next-intl';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';

/** Whether everybody of the school needs a second factor, and who has none yet. */
export function RequireSecondFactor({
  schoolId,
  required,
  without,
  ownMissing,
}: {
  schoolId: string;
  required: boolean;
  /** Names of those who have none. */
  without: readonly string[];
  ownMissing: boolean;
}) {
  const t = useTranslations('schoolPeople.factor');
  const format = useFormatter();
  const trpc = useTRPC();
  const queries = useQueryClient();
  const router = useRouter();
  const change = useMutation(
    trpc.people.requireSchoolSecondFactor.mutationOptions({
      onSuccess: async (answer) => {
        toast.success(t('done', { required: String(answer.required) }));
        // Whoever has none is sent to the set-up by the page that is rendered next.
        if (answer.required && ownMissing) router.refresh();
        else await queries.invalidateQueries({ queryKey: trpc.people.listSchoolMembers.queryKey({ schoolId }) });
      },
    }),
  );
  const shown = without.slice(0, 5);
  const names = format.list(without.length > shown.length ? [...shown, '…'] : shown);
  return (
    <Section title={t('title')}>
      <StateBadge look={required ? 'live' : 'rest'}>{required ? t('required') : t('optional')}</StateBadge>
      <p className="text-ink-2">{t('why')}</p>
      <p>{t('without', { count: without.length, names })}</p>
      <div>
        <ConfirmDialog
          trigger={<Button size="small">{required ? t('relax') : t('require')}</Button>}
          title={required ? t('relaxTitle') : t('requireTitle')}
          description={
            required
              ? t('relaxWhat')
              : [t('requireWhat', { count: without.length }), ownMissing ? t('requireOwn') : ''].join(' ').trim()
          }
          confirm={required ? t('relax') : t('require')}
          danger={required}
          onConfirm={() => change.mutateAsync({ schoolId, required: !required })}
        >
          <ErrorNotice error={change.error} />
        </ConfirmDialog>
      </div>
    </Section>
  );
}
