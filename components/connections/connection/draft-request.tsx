'use client';

import { useMutation } from '@tanstack/react-query';
import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Ask } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import type { ConnectionPage } from './connection-page.ts';

/** The school's own request before it is sent. */
export function DraftRequest({
  schoolId,
  request,
  isAsker,
  onChange,
}: {
  schoolId: string;
  request: ConnectionPage['requests'][number];
  isAsker: boolean;
  onChange: () => Promise<unknown>;
}) {
  const trpc = useTRPC();
  const t = useTranslations('connectionPage.draft');
  const send = useMutation(
    trpc.connections.sendRequest.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(t('sent'));
      },
    }),
  );
  const withdraw = useMutation(
    trpc.connections.withdrawRequest.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(t('withdrawn'));
      },
    }),
  );
  const input = { schoolId, requestId: request.id };
  return (
    <>
      <Ask
        action={
          isAsker ? (
            <div className="flex flex-wrap gap-2">
              <Button variant="primary" pending={send.isPending} onClick={() => send.mutate(input)}>
                {t('send')}
              </Button>
              <Button asChild>
                <Link href={`/school/${schoolId}/requests/new?request=${request.id}`}>{t('revise')}</Link>
              </Button>
              <Button pending={withdraw.isPending} onClick={() => withdraw.mutate(input)}>
                {t('withdraw')}
              </Button>
            </div>
          ) : undefined
        }
      >
        <strong className="block">{t('title')}</strong>
        <span className="text-ink-2">{t('body')}</span>
      </Ask>
      <ErrorNotice error={send.error ?? withdraw.error} />
    </>
  );
}
