'use client';

import { useMutation } from '@tanstack/react-query';
import { Ellipsis } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Dialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Select } from '#components/ui/input.tsx';
import { Menu, MenuItem, MenuSeparator } from '#components/ui/menu.tsx';
import { FacetFields, type TypedStream } from './facet-fields.tsx';

type Stream = Outputs['streams']['page']['streams'][number];

interface Props {
  readonly of: { readonly schoolId: string; readonly systemId: string };
  readonly stream: Stream;
  readonly streams: readonly Stream[];
  readonly onChange: () => Promise<unknown>;
  readonly onFile: (sourceId: string) => void;
}

/** What can be done with one stream. */
export function StreamActions(props: Props) {
  const { of, stream, onChange, onFile } = props;
  const trpc = useTRPC();
  const t = useTranslations('streams');
  const [open, setOpen] = useState<'edit' | 'merge' | 'remove' | null>(null);
  const done = async () => {
    await onChange();
    toast.success(t('saved'));
    setOpen(null);
  };
  const part = useMutation(trpc.streams.merge.mutationOptions({ onSuccess: done }));
  const reset = useMutation(trpc.streams.reset.mutationOptions({ onSuccess: done }));
  const isOwn = stream.derivedFrom === 'school-list';
  const close = () => {
    setOpen(null);
    reset.reset();
  };
  return (
    <>
      <Menu
        trigger={
          <Button variant="quiet" size="icon" className="-my-1.5" aria-label={t('actions', { stream: stream.name })}>
            <Ellipsis aria-hidden />
          </Button>
        }
      >
        <MenuItem onSelect={() => setOpen('edit')}>{t('edit')}</MenuItem>
        {stream.mergedInto === null ? (
          <>
            <MenuItem onSelect={() => setOpen('merge')}>{t('merge')}</MenuItem>
            <MenuItem onSelect={() => onFile(stream.sourceId)}>{t('file')}</MenuItem>
          </>
        ) : (
          <MenuItem onSelect={() => part.mutate({ ...of, sourceId: stream.sourceId, into: null })}>
            {t('part')}
          </MenuItem>
        )}
        {stream.choice !== null && (
          <>
            <MenuSeparator />
            {isOwn ? (
              <MenuItem onSelect={() => setOpen('remove')}>{t('removeOwn')}</MenuItem>
            ) : (
              <MenuItem onSelect={() => reset.mutate({ ...of, stream: stream.sourceId })}>{t('reset')}</MenuItem>
            )}
          </>
        )}
      </Menu>
      {open === 'edit' && <Edit {...props} onDone={done} onClose={close} />}
      {open === 'merge' && <Merge {...props} onDone={done} onClose={close} />}
      {open === 'remove' && (
        <Dialog
          open
          onOpenChange={close}
          title={t('removeTitle', { stream: stream.name })}
          description={t('removeBody')}
        >
          <ErrorNotice error={reset.error} />
          <Buttons onClose={close}>
            <Button
              variant="danger"
              pending={reset.isPending}
              onClick={() => reset.mutate({ ...of, stream: stream.sourceId })}
            >
              {t('removeConfirm')}
            </Button>
          </Buttons>
        </Dialog>
      )}
    </>
  );
}

function Buttons({ onClose, children }: { onClose: () => void; children: React.ReactNode }) {
  const common = useTranslations('common');
  return (
    <div className="flex flex-wrap justify-end gap-2">
      <Button onClick={onClose}>{common('cancel')}</Button>
      {children}
    </div>
  );
}

type Opened = Props & { readonly onDone: () => Promise<void>; readonly onClose: () => void };

function Edit({ of, stream, onDone, onClose }: Opened) {
  const trpc = useTRPC();
  const t = useTranslations('streams');
  const isOwn = stream.derivedFrom === 'school-list';
  const { choice } = stream;
  const [typed, setTyped] = useState<TypedStream>({
    name: choice?.name ?? '',
    programme: choice?.programme ?? '',
    level: choice?.level ?? '',
    year: choice?.year ?? '',
  });
  // What was chosen is in the roster already: behind it nothing is known of what was derived until the next run.
  const derived = {
    name: choice?.name == null ? stream.name : null,
    programme: choice?.programme == null ? stream.programme : null,
    level: choice?.level == null ? stream.level : null,
    year: choice?.year == null ? stream.year : null,
  };
  const [asked, setAsked] = useState(false);
  const missing = isOwn && typed.name.trim() === '';
  const choose = useMutation(trpc.streams.choose.mutationOptions({ onSuccess: onDone }));
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('editTitle', { stream: stream.name })}
      description={t(isOwn ? 'editOwnBody' : 'editBody')}
    >
      <form
        noValidate
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(true);
          if (!missing) choose.mutate({ ...of, sourceId: stream.sourceId, ...typed });
        }}
      >
        <FacetFields
          typed={typed}
          derived={isOwn ? null : derived}
          nameError={asked && missing ? t('nameMissing') : null}
          onChange={setTyped}
        />
        <ErrorNotice error={choose.error} />
        <Buttons onClose={onClose}>
          <Button type="submit" variant="primary" pending={choose.isPending}>
            {t('submitEdit')}
          </Button>
        </Buttons>
      </form>
    </Dialog>
  );
}

function Merge({ of, stream, streams, onDone, onClose }: Opened) {
  const trpc = useTRPC();
  const t = useTranslations('streams');
  const [into, setInto] = useState('');
  const merge = useMutation(trpc.streams.merge.mutationOptions({ onSuccess: onDone }));
  const others = streams.filter(({ sourceId, mergedInto }) => sourceId !== stream.sourceId && mergedInto === null);
  return (
    <Dialog open onOpenChange={onClose} title={t('mergeTitle', { stream: stream.name })} description={t('mergeBody')}>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          merge.mutate({ ...of, sourceId: stream.sourceId, into });
        }}
      >
        <Field label={t('mergeInto')}>
          <Select value={into} required onChange={(event) => setInto(event.target.value)}>
            <option value="">{t('mergeChoose')}</option>
            {others.map(({ sourceId, name }) => (
              <option key={sourceId} value={sourceId}>
                {name}
              </option>
            ))}
          </Select>
        </Field>
        <ErrorNotice error={merge.error} />
        <Buttons onClose={onClose}>
          <Button type="submit" variant="primary" disabled={into === ''} pending={merge.isPending}>
            {t('mergeSubmit')}
          </Button>
        </Buttons>
      </form>
    </Dialog>
  );
}
