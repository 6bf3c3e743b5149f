'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Dialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input, Select, Textarea } from '#components/ui/input.tsx';

const kinds = ['student', 'teacher', 'guardian'] as const;
const ways = ['number', 'source-id'] as const;
interface Typed {
  readonly by: (typeof ways)[number];
  readonly value: string;
  readonly kind: string;
  readonly name: string;
  readonly reason: string;
}
const nothing: Typed = { by: 'number', value: '', kind: '', name: '', reason: '' };

/** Withholds somebody by number or id, also before he comes. */
export function WithholdAhead({
  schoolId,
  systems,
}: {
  schoolId: string;
  systems: readonly { readonly id: string; readonly name: string }[];
}) {
  const trpc = useTRPC();
  const t = useTranslations('withheld');
  const common = useTranslations('common');
  const queryClient = useQueryClient();
  const [open, setOpen] = useState(false);
  const [asked, setAsked] = useState(false);
  const [systemId, setSystemId] = useState(systems[0]?.id ?? '');
  const [typed, setTyped] = useState(nothing);
  const put = (part: Partial<Typed>) => setTyped({ ...typed, ...part });
  const close = () => {
    setOpen(false);
    setAsked(false);
    setTyped(nothing);
    withhold.reset();
  };
  const withhold = useMutation(
    trpc.withheld.withholdAhead.mutationOptions({
      onSuccess: async ({ wasHere }) => {
        toast.success(t(wasHere ? 'ahead.doneHere' : 'ahead.done', { name: typed.name.trim() }));
        close();
        await queryClient.invalidateQueries({ queryKey: trpc.withheld.pathKey() });
      },
    }),
  );
  const missing = (text: string) => (asked && text.trim() === '' ? t('ahead.missing') : null);
  if (systems.length === 0) return <p className="text-ink-2">{t('ahead.noSystem')}</p>;
  return (
    <Dialog
      trigger={<Button variant="primary">{t('ahead.open')}</Button>}
      title={t('ahead.title')}
      description={t('ahead.description')}
      open={open}
      onOpenChange={(next) => (next ? setOpen(true) : close())}
    >
      <form
        noValidate
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(true);
          if (typed.value.trim() === '' || typed.name.trim() === '') return;
          const kind = kinds.find((candidate) => candidate === typed.kind) ?? null;
          withhold.mutate({ schoolId, systemId, ...typed, kind: typed.by === 'number' ? kind : null });
        }}
      >
        {systems.length > 1 && (
          <Field label={t('ahead.system')}>
            <Select value={systemId} onChange={(event) => setSystemId(event.target.value)}>
              {systems.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </Select>
          </Field>
        )}
        <Field label={t('ahead.by')}>
          <Select
            value={typed.by}
            onChange={(event) => put({ by: ways.find((way) => way === event.target.value) ?? 'number' })}
          >
            {ways.map((way) => (
              <option key={way} value={way}>
                {t(`ahead.${way}`)}
              </option>
            ))}
          </Select>
        </Field>
        <Field label={t(`ahead.value.${typed.by}`)} error={missing(typed.value)}>
          <Input value={typed.value} maxLength={200} onChange={(event) => put({ value: event.target.value })} />
        </Field>
        {typed.by === 'number' && (
          <Field label={t('ahead.kind')}>
            <Select value={typed.kind} onChange={(event) => put({ kind: event.target.value })}>
              <option value="">{t('ahead.anybody')}</option>
              {kinds.map((kind) => (
                <option key={kind} value={kind}>
                  {t(`ahead.${kind}`)}
                </option>
              ))}
            </Select>
          </Field>
        )}
        <Field label={t('ahead.name')} hint={t('ahead.nameHint')} error={missing(typed.name)}>
          <Input
            value={typed.name}
            maxLength={200}
            autoComplete="off"
            onChange={(event) => put({ name: event.target.value })}
          />
        </Field>
        <Field label={t('reason')} hint={t('reasonHint')} optional={common('optional')}>
          <Textarea value={typed.reason} maxLength={500} onChange={(event) => put({ reason: event.target.value })} />
        </Field>
        <ErrorNotice error={withhold.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={close}>{common('cancel')}</Button>
          <Button type="submit" variant="danger" pending={withhold.isPending}>
            {t('ahead.submit')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
