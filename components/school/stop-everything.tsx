'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { OctagonX } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Ask, Section } from '#components/ui/card.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';

/** The one switch, not pressed: what it does and how to take it back. */
export function StopEverything({ schoolId, running }: { schoolId: string; running: number }) {
  const trpc = useTRPC();
  const t = useTranslations('schoolHome.stop');
  const queryClient = useQueryClient();
  const stop = useMutation(
    trpc.connections.stopEverything.mutationOptions({
      onSuccess: async ({ paused }) => {
        await queryClient.invalidateQueries({ queryKey: trpc.connections.pathKey() });
        toast.success(t('stoppedDone', { count: paused }));
      },
    }),
  );
  return (
    <Section
      title={t('title')}
      action={
        <ConfirmDialog
          trigger={
            <Button variant="danger">
              <OctagonX aria-hidden />
              {t('button')}
            </Button>
          }
          title={t('confirmTitle')}
          description={t('confirmBody', { count: running })}
          confirm={t('confirm')}
          onConfirm={() => stop.mutateAsync({ schoolId })}
        >
          <ErrorNotice error={stop.error} />
        </ConfirmDialog>
      }
    >
      <p className="max-w-prose text-ink-2">{t('body')}</p>
    </Section>
  );
}

/** The switch, pressed: since when, by whom, and the way back. */
export function EverythingStopped({
  schoolId,
  by,
  when,
  mayRelease,
}: {
  schoolId: string;
  by: string | null;
  when: string;
  mayRelease: boolean;
}) {
  const trpc = useTRPC();
  const t = useTranslations('schoolHome.stop');
  const queryClient = useQueryClient();
  const release = useMutation(
    trpc.connections.releaseEverything.mutationOptions({
      onSuccess: async ({ resumed }) => {
        await queryClient.invalidateQueries({ queryKey: trpc.connections.pathKey() });
        toast.success(t('releasedDone', { count: resumed }));
      },
    }),
  );
  return (
    <Ask
      look="fail"
      action={
        mayRelease ? (
          <ConfirmDialog
            trigger={<Button variant="primary">{t('release')}</Button>}
            title={t('releaseTitle')}
            description={t('releaseBody')}
            confirm={t('release')}
            danger={false}
            onConfirm={() => release.mutateAsync({ schoolId })}
          >
            <ErrorNotice error={release.error} />
          </ConfirmDialog>
        ) : undefined
      }
    >
      <strong className="block">{t('stoppedTitle')}</strong>
      <span className="text-ink-2">
        {by === null ? t('stoppedBySomebody', { when }) : t('stoppedBy', { person: by, when })}
        {!mayRelease && ` ${t('onlyAdministrator')}`}
      </span>
    </Ask>
  );
}
