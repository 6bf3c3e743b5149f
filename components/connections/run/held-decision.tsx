'use client';

import { useMutation } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { toast } from 'sonner';
import { useFieldWords } from '#components/received/field-words.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import type { SchoolRole } from '#db/schema/vocabulary.ts';

type Detail = Outputs['sync']['run'];

/** Why a run is held, in words, and the three answers to it. */
export function HeldDecision({
  schoolId,
  syncRunId,
  data,
  held,
  roles,
  onChange,
}: {
  schoolId: string;
  syncRunId: string;
  data: Detail;
  held: NonNullable<Detail['held']>;
  roles: readonly SchoolRole[];
  onChange: () => Promise<unknown>;
}) {
  const trpc = useTRPC();
  const t = useTranslations('connectionPage.run');
  const sync = useTranslations('sync');
  const word = useFieldWords();
  const input = { schoolId, syncRunId, fingerprint: held.fingerprint };
  const apply = useMutation(
    trpc.sync.applyHeld.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(t('applied'));
      },
    }),
  );
  const discard = useMutation(
    trpc.sync.discardHeld.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(t('discarded'));
      },
    }),
  );
  const additions = Object.values(held.collections).some(
    (counts) => counts !== undefined && counts.added + counts.returned > 0,
  );
  return (
    <Section title={sync('held.title')} className="border-l-4 border-l-wait">
      <ul className="grid gap-1">
        {held.reasons.map(({ collection, kind, field, siteName, count, of, limit }) => (
          <li key={`${collection}-${kind}-${siteName}-${field}`} className="font-semibold">
            {sync(`held.${kind}`, {
              collection: sync(`collection.${collection}`).toLowerCase(),
              site: siteName ?? 'none',
              field: field === null ? '' : word(field),
              count,
              of,
              limit,
            })}
          </li>
        ))}
      </ul>
      {!data.isNewest && <p className="text-ink-2">{t('old')}</p>}
      {roles.includes('school-administrator') ? (
        <div className="flex flex-wrap gap-2">
          <ConfirmDialog
            trigger={<Button variant="primary">{sync('held.apply')}</Button>}
            title={t('applyTitle')}
            description={sync('held.applyConsequence')}
            confirm={sync('held.apply')}
            danger={false}
            onConfirm={() => apply.mutateAsync({ ...input, as: 'all' })}
          >
            <ErrorNotice error={apply.error} />
          </ConfirmDialog>
          {additions && (
            <ConfirmDialog
              trigger={<Button>{sync('held.applyAdditions')}</Button>}
              title={t('applyAdditionsTitle')}
              description={sync('held.additionsConsequence')}
              confirm={sync('held.applyAdditions')}
              danger={false}
              onConfirm={() => apply.mutateAsync({ ...input, as: 'additions' })}
            >
              <ErrorNotice error={apply.error} />
            </ConfirmDialog>
          )}
          <ConfirmDialog
            trigger={<Button>{sync('held.discard')}</Button>}
            title={t('discardTitle')}
            description={sync('held.discardConsequence')}
            confirm={sync('held.discard')}
            onConfirm={() => discard.mutateAsync(input)}
          >
            <ErrorNotice error={discard.error} />
          </ConfirmDialog>
        </div>
      ) : (
        <p className="text-ink-2">{t('notAdministrator')}</p>
      )}
    </Section>
  );
}
