'use client';

import { useMutation } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { toast } from 'sonner';
import { download } from '#components/schools/file-as-base64.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';

/** The operator's standard agreement, ready to be read and signed. */
export function TakeStandardButton({ schoolId }: { schoolId: string }) {
  const t = useTranslations('agreements.act');
  const trpc = useTRPC();
  const router = useRouter();
  const take = useMutation(
    trpc.agreements.takeStandard.mutationOptions({
      onSuccess: ({ agreementId }) => router.push(`/school/${schoolId}/agreements/${agreementId}`),
    }),
  );
  return (
    <div className="grid gap-3">
      <div>
        <Button variant="primary" pending={take.isPending} onClick={() => take.mutate({ schoolId })}>
          {t('takeStandard')}
        </Button>
      </div>
      <ErrorNotice error={take.error} />
    </div>
  );
}

/** Everything about the school's agreements as one zip. */
export function ExportButton({ schoolId }: { schoolId: string }) {
  const t = useTranslations('agreements.act');
  const trpc = useTRPC();
  const save = useMutation(
    trpc.agreements.export.mutationOptions({
      onSuccess: ({ fileName, base64 }) => {
        download(fileName, base64, 'application/zip');
        toast.success(t('exported'));
      },
    }),
  );
  return (
    <div className="grid gap-3">
      <div>
        <Button pending={save.isPending} onClick={() => save.mutate({ schoolId })}>
          <Download aria-hidden />
          {t('export')}
        </Button>
      </div>
      <ErrorNotice error={save.error} />
    </div>
  );
}
