'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';

export function ArchiveButton({ agentId, schoolId, name }: { agentId: string; schoolId: string; name: string }) {
  const t = useTranslations('schools.school');
  const trpc = useTRPC();
  const router = useRouter();
  const archive = useMutation(
    trpc.schools.archiveSchoolOfAgent.mutationOptions({
      onSuccess: () => {
        router.push(`/agent/${agentId}`);
        router.refresh();
      },
    }),
  );
  return (
    <ConfirmDialog
      trigger={
        <Button size="small" variant="danger">
          {t('archive')}
        </Button>
      }
      title={t('archiveTitle', { name })}
      description={t('archiveBody')}
      confirm={t('archive')}
      onConfirm={() => archive.mutateAsync({ agentId, schoolId })}
    >
      <ErrorNotice error={archive.error} />
    </ConfirmDialog>
  );
}
