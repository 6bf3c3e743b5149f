'use client';

import { X } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { Dialog as Primitive } from 'radix-ui';
import { type ReactNode, useState } from 'react';
import { Button } from './button.tsx';

interface DialogProps {
  trigger?: ReactNode;
  title: ReactNode;
  description?: ReactNode;
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
  children: ReactNode;
}

export function Dialog({ trigger, title, description, open, onOpenChange, children }: DialogProps) {
  const t = useTranslations('common');
  return (
    <Primitive.Root open={open} onOpenChange={onOpenChange}>
      {trigger !== undefined && <Primitive.Trigger asChild>{trigger}</Primitive.Trigger>}
      <Primitive.Portal>
        <Primitive.Overlay className="fixed inset-0 z-40 bg-ink/40 dark:bg-black/60" />
        <Primitive.Content
          className="fixed top-1/2 left-1/2 z-50 grid max-h-[90dvh] w-[min(34rem,calc(100vw-2rem))] -translate-x-1/2 -translate-y-1/2 gap-4 overflow-y-auto rounded-card border border-line bg-card p-6 shadow-lg"
          {...(description === undefined ? { 'aria-describedby': undefined } : {})}
        >
          <div className="flex items-start justify-between gap-4">
            <Primitive.Title className="font-semibold text-xl">{title}</Primitive.Title>
            <Primitive.Close asChild>
              <Button variant="quiet" size="icon" aria-label={t('close')} className="-mt-2 -mr-2">
                <X aria-hidden />
              </Button>
            </Primitive.Close>
          </div>
          {description !== undefined && (
            <Primitive.Description className="text-ink-2">{description}</Primitive.Description>
          )}
          {children}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}

interface ConfirmDialogProps {
  trigger: ReactNode;
  title: ReactNode;
  /** Names what ends and how to come back. */
  description: ReactNode;
  /** The button that does it, e.g. "Revoke access". */
  confirm: string;
  danger?: boolean;
  onConfirm: () => Promise<unknown>;
  children?: ReactNode;
}

/** Asks once before a destructive act; stays open with the error where it fails. */
export function ConfirmDialog({
  trigger,
  title,
  description,
  confirm,
  danger = true,
  onConfirm,
  children,
}: ConfirmDialogProps) {
  const t = useTranslations('common');
  const [open, setOpen] = useState(false);
  const [pending, setPending] = useState(false);
  return (
    <Dialog trigger={trigger} title={title} description={description} open={open} onOpenChange={setOpen}>
      {children}
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={() => setOpen(false)}>{t('cancel')}</Button>
        <Button
          variant={danger ? 'danger' : 'primary'}
          pending={pending}
          onClick={() => {
            setPending(true);
            onConfirm()
              .then(
                () => setOpen(false),
                // The caller's mutation shows its own error inside `children` or as a notice.
                () => undefined,
              )
              .finally(() => setPending(false));
          }}
        >
          {confirm}
        </Button>
      </div>
    </Dialog>
  );
}
