'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice, shownError } from '#components/ui/error-notice.tsx';
import { Day } from '#components/ui/relative-time.tsx';

/** Back to the roster before a sync: says what that takes back and what comes next, then shows the run that does it. */
export function UndoRun({
  schoolId,
  syncRunId,
  until,
  base,
  onChange,
}: {
  schoolId: string;
  syncRunId: string;
  until: Date;
  /** Address of the connection's page. */
  base: string;
  onChange: () => Promise<unknown>;
}) {
  const trpc = useTRPC();
  const t = useTranslations('sync.undo');
  const router = useRouter();
  const undo = useMutation(
    trpc.sync.undoRun.mutationOptions({
      onSuccess: async (run) => {
        toast.success(t('asked'));
        router.push(`${base}/runs/${run.syncRunId}`);
        await onChange();
      },
    }),
  );
  return (
    <ConfirmDialog
      trigger={<Button>{t('button')}</Button>}
      title={t('title')}
      description={t('body')}
      confirm={t('button')}
      onConfirm={() => undo.mutateAsync({ schoolId, syncRunId })}
    >
      <p className="text-ink-2 text-sm">{t.rich('until', { day: () => <Day on={until} /> })}</p>
      <Refusal error={undo.error} />
    </ConfirmDialog>
  );
}

/** Why it cannot be undone, in words of its own where there are any. */
function Refusal({ error }: { error: unknown }) {
  const t = useTranslations('sync.undo.refused');
  if (error === null || error === undefined) return null;
  const { problem } = shownError(error).details;
  return typeof problem === 'string' && t.has(problem) ? (
    <p role="alert" className="font-semibold text-fail">
      {t(problem)}
    </p>
  ) : (
    <ErrorNotice error={error} />
  );
}
