'use client';

import { zodResolver } from '@hookform/resolvers/zod';
import { useMutation } from '@tanstack/react-query';
import { Send } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { toast } from 'sonner';
import { z } from 'zod';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Dialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';

/** A link for the administrator of an LMS: he says which LMS it is and what it needs; no account. */
export function SendPairingLink({ schoolId, system }: { schoolId: string; system: { id: string; name: string } }) {
  const trpc = useTRPC();
  const t = useTranslations('systemPage.pairing');
  const [open, setOpen] = useState(false);
  const schema = z.object({
    name: z.string().trim().min(1, t('nameMissing')),
    email: z.email(t('emailWrong')),
  });
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { name: '', email: '' } });
  const send = useMutation(
    trpc.connections.sendPairingLink.mutationOptions({
      onSuccess: (_answer, { email }) => {
        setOpen(false);
        form.reset();
        toast.success(t('done', { email }));
      },
    }),
  );
  const { errors } = form.formState;
  return (
    <Dialog
      open={open}
      onOpenChange={setOpen}
      trigger={
        <Button className="h-auto justify-self-start whitespace-normal">
          <Send aria-hidden />
          {t('button')}
        </Button>
      }
      title={t('dialogTitle', { system: system.name })}
      description={t('dialogBody')}
    >
      <form
        className="grid gap-4"
        noValidate
        onSubmit={form.handleSubmit((values) => send.mutate({ schoolId, systemId: system.id, ...values }))}
      >
        <Field label={t('name')} error={errors.name?.message}>
          <Input {...form.register('name')} autoComplete="off" />
        </Field>
        <Field label={t('email')} error={errors.email?.message}>
          <Input {...form.register('email')} type="email" autoComplete="off" />
        </Field>
        <ErrorNotice error={send.error} />
        <Button type="submit" variant="primary" className="justify-self-end" pending={send.isPending}>
          {t('submit')}
        </Button>
      </form>
    </Dialog>
  );
}
