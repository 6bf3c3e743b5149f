'use client';

import { useMutation } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Dialog } from '#components/ui/dialog.tsx';
import { ErrorNotice, shownError } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input, Textarea } from '#components/ui/input.tsx';
import { blankStream, FacetFields } from './facet-fields.tsx';

interface Props {
  readonly of: { readonly schoolId: string; readonly systemId: string };
  readonly onChange: () => Promise<unknown>;
}

/** Adds one stream to the school's own list. */
export function AddStream({ of, onChange }: Props) {
  const trpc = useTRPC();
  const t = useTranslations('streams');
  const common = useTranslations('common');
  const [open, setOpen] = useState(false);
  const [asked, setAsked] = useState(false);
  const [typed, setTyped] = useState(blankStream);
  const close = () => {
    setOpen(false);
    setAsked(false);
    setTyped(blankStream);
    add.reset();
  };
  const add = useMutation(
    trpc.streams.add.mutationOptions({
      onSuccess: async () => {
        await onChange();
        toast.success(t('saved'));
        close();
      },
    }),
  );
  const missing = typed.name.trim() === '';
  return (
    <Dialog
      trigger={<Button>{t('add')}</Button>}
      title={t('addTitle')}
      description={t('addBody')}
      open={open}
      onOpenChange={(next) => (next ? setOpen(true) : close())}
    >
      <form
        noValidate
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(true);
          if (!missing) add.mutate({ ...of, ...typed });
        }}
      >
        <FacetFields
          typed={typed}
          derived={null}
          nameError={asked && missing ? t('nameMissing') : null}
          onChange={setTyped}
        />
        <ErrorNotice error={add.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={close}>{common('cancel')}</Button>
          <Button type="submit" variant="primary" pending={add.isPending}>
            {t('addSubmit')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Imports the school's own list out of CSV, typed or from a file. */
export function ImportList({ of, onChange }: Props) {
  const trpc = useTRPC();
  const t = useTranslations('streams');
  const common = useTranslations('common');
  const [open, setOpen] = useState(false);
  const [csv, setCsv] = useState('');
  const close = () => {
    setOpen(false);
    setCsv('');
    importList.reset();
  };
  const importList = useMutation(
    trpc.streams.importOwnList.mutationOptions({
      onSuccess: async (done) => {
        await onChange();
        toast.success(t('imported', done));
        close();
      },
    }),
  );
  const told = importList.error === null ? [] : shownError(importList.error).details.problems;
  const problems = (Array.isArray(told) ? told : []).map((entry) => {
    const [line, problem] = entry.includes(':') ? entry.split(':') : ['', entry];
    const key = `importProblem.${problem}`;
    return t.has(key) ? t(key, { line: line ?? '' }) : entry;
  });
  return (
    <Dialog
      trigger={<Button>{t('import')}</Button>}
      title={t('importTitle')}
      description={t('importBody')}
      open={open}
      onOpenChange={(next) => (next ? setOpen(true) : close())}
    >
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          importList.mutate({ ...of, csv });
        }}
      >
        <Field label={t('importText')}>
          <Textarea
            className="min-h-40 font-mono text-sm"
            value={csv}
            spellCheck={false}
            placeholder={t('importExample')}
            onChange={(event) => {
              setCsv(event.target.value);
              importList.reset();
            }}
          />
        </Field>
        <Field label={t('importFile')}>
          <Input
            type="file"
            accept=".csv,text/csv,text/plain"
            onChange={(event) => {
              const file = event.target.files?.[0];
              importList.reset();
              if (file !== undefined) void file.text().then((text) => setCsv(text.slice(0, 500_000)));
            }}
          />
        </Field>
        {problems.length > 0 ? (
          <ul role="alert" className="grid gap-1 rounded-control border border-fail bg-fail-bg px-4 py-3">
            {problems.map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        ) : (
          <ErrorNotice error={importList.error} />
        )}
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={close}>{common('cancel')}</Button>
          <Button type="submit" variant="primary" disabled={csv.trim() === ''} pending={importList.isPending}>
            {t('importSubmit')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
