'use client';

import { useMutation } from '@tanstack/react-query';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import type { ShownAgreement } from '#components/agreements/agreement-paper.tsx';
import { CountersignButton } from '#components/agreements/countersign-actions.tsx';
import { NoticeButton } from '#components/agreements/notice-button.tsx';
import { fileAsBase64 } from '#components/schools/file-as-base64.ts';
import { isAbout } from '#components/schools/problems.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { ConfirmDialog, Dialog } from '#components/ui/dialog.tsx';
import { ErrorNotice, shownError } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';

/** What the agent can do with an agreement now. */
export function AgreementActions({
  agreement,
  agentId,
  school,
  administrator,
}: {
  agreement: ShownAgreement;
  agentId: string;
  school: string;
  administrator: boolean;
}) {
  const t = useTranslations('agreements.act');
  const trpc = useTRPC();
  const router = useRouter();
  const key = { agentId, schoolId: agreement.schoolId, agreementId: agreement.id };
  const refresh = { onSuccess: () => router.refresh() };
  const send = useMutation(trpc.agreements.send.mutationOptions(refresh));
  const withdraw = useMutation(trpc.agreements.withdraw.mutationOptions(refresh));
  const can = (act: ShownAgreement['possible'][number]) => agreement.possible.includes(act);
  return (
    <div className="flex flex-wrap gap-2 empty:hidden">
      {can('send') && (
        <ConfirmDialog
          danger={false}
          trigger={<Button variant="primary">{t('send')}</Button>}
          title={t('sendTitle', { school })}
          description={t('sendBody')}
          confirm={t('send')}
          onConfirm={() => send.mutateAsync(key)}
        >
          <ErrorNotice error={send.error} />
        </ConfirmDialog>
      )}
      {can('revise') && (
        <Button asChild>
          <Link href={`/agent/${agentId}/schools/${agreement.schoolId}/agreements/${agreement.id}/edit`}>
            {t('revise')}
          </Link>
        </Button>
      )}
      {can('countersign') && administrator && agreement.agentMayCountersign && (
        <CountersignButton agreement={agreement} school={school} agentId={agentId} />
      )}
      {can('sign') && <AgainDialog agreement={agreement} agentId={agentId} />}
      {can('enter-paper') && <PaperDialog agreement={agreement} agentId={agentId} />}
      {can('give-notice') && administrator && <NoticeButton agreement={agreement} agentId={agentId} />}
      {can('withdraw') && (
        <ConfirmDialog
          trigger={<Button variant="danger">{t('withdraw')}</Button>}
          title={t('withdrawTitle')}
          description={t('withdrawBody')}
          confirm={t('withdraw')}
          onConfirm={() => withdraw.mutateAsync(key)}
        >
          <ErrorNotice error={withdraw.error} />
        </ConfirmDialog>
      )}
    </div>
  );
}

function AgainDialog({ agreement, agentId }: { agreement: ShownAgreement; agentId: string }) {
  const t = useTranslations('agreements');
  const common = useTranslations('common');
  const trpc = useTRPC();
  const router = useRouter();
  const [open, setOpen] = useState(false);
  const again = useMutation(
    trpc.agreements.sendAgain.mutationOptions({
      onSuccess: () => {
        setOpen(false);
        toast.success(t('act.againDone'));
        router.refresh();
      },
    }),
  );
  const wrong = isAbout(again.error, 'signatoryEmail');
  return (
    <Dialog
      trigger={<Button>{t('act.again')}</Button>}
      title={t('act.againTitle')}
      description={t('act.againBody')}
      open={open}
      onOpenChange={setOpen}
    >
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          again.mutate({
            agentId,
            schoolId: agreement.schoolId,
            agreementId: agreement.id,
            signatoryName: String(form.get('signatoryName')),
            signatoryEmail: String(form.get('signatoryEmail')),
          });
        }}
      >
        <Field label={t('field.signatoryName')}>
          <Input name="signatoryName" required maxLength={120} defaultValue={agreement.signatoryName ?? ''} />
        </Field>
        <Field
          label={t('field.signatoryEmail')}
          hint={t('field.signatoryHint')}
          error={wrong ? t('problems.signatoryEmail') : null}
        >
          <Input
            name="signatoryEmail"
            type="email"
            required
            maxLength={254}
            defaultValue={agreement.signatoryEmail ?? ''}
          />
        </Field>
        {again.error !== null && !wrong && <ErrorNotice error={again.error} />}
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={() => setOpen(false)}>{common('cancel')}</Button>
          <Button type="submit" variant="primary" pending={again.isPending}>
            {t('act.againSubmit')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function PaperDialog({ agreement, agentId }: { agreement: ShownAgreement; agentId: string }) {
  const t = useTranslations('agreements');
  const common = useTranslations('common');
  const trpc = useTRPC();
  const router = useRouter();
  const [open, setOpen] = useState(false);
  const enter = useMutation(
    trpc.agreements.enterPaperSignature.mutationOptions({
      onSuccess: () => {
        setOpen(false);
        router.refresh();
      },
    }),
  );
  const submit = async (form: FormData) => {
    const file = form.get('scan');
    if (!(file instanceof File)) return;
    enter.mutate({
      agentId,
      schoolId: agreement.schoolId,
      agreementId: agreement.id,
      scan: { fileName: file.name, base64: await fileAsBase64(file) },
      signatoryName: String(form.get('signatoryName')),
      signedOn: String(form.get('signedOn')),
    });
  };
  const refused = enter.error !== null && shownError(enter.error).code === 'file-refused';
  return (
    <Dialog
      trigger={<Button>{t('act.paper')}</Button>}
      title={t('act.paperTitle')}
      description={t('act.paperBody')}
      open={open}
      onOpenChange={setOpen}
    >
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void submit(new FormData(event.currentTarget));
        }}
      >
        <Field label={t('act.paperScan')} hint={t('problems.file')} error={refused ? t('problems.file') : null}>
          <Input name="scan" type="file" required accept="application/pdf,image/png,image/jpeg" />
        </Field>
        <Field label={t('act.paperSignatory')}>
          <Input name="signatoryName" required maxLength={120} defaultValue={agreement.signatoryName ?? ''} />
        </Field>
        <Field label={t('act.paperSignedOn')} error={isAbout(enter.error, 'signedOn') ? t('problems.signedOn') : null}>
          <Input name="signedOn" type="date" required max={agreement.today} defaultValue={agreement.today} />
        </Field>
        {enter.error !== null && !refused && !isAbout(enter.error, 'signedOn') && <ErrorNotice error={enter.error} />}
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={() => setOpen(false)}>{common('cancel')}</Button>
          <Button type="submit" variant="primary" pending={enter.isPending}>
            {t('act.paperSubmit')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
