'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import { fileAsBase64 } from '#components/schools/file-as-base64.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { type Column, DataTable } from '#components/ui/data-table.tsx';
import { ErrorNotice, shownError } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';

type Preview = Outputs['schools']['previewSchoolList'];

const unreadable = [
  'empty',
  'too-large',
  'utf-16',
  'not-utf-8',
  'not-text',
  'quotes',
  'columns-missing',
  'column-twice',
  'no-rows',
  'too-many-rows',
] as const;

/** A list of schools: chosen, looked at line by line, then imported. */
export function ImportList({ agentId }: { agentId: string }) {
  const t = useTranslations('schools.import');
  const trpc = useTRPC();
  const router = useRouter();
  const [file, setFile] = useState<string | null>(null);
  const preview = useMutation(trpc.schools.previewSchoolList.mutationOptions());
  const run = useMutation(
    trpc.schools.importSchools.mutationOptions({
      onSuccess: ({ added }) => {
        toast.success(t('done', { added }));
        router.push(`/agent/${agentId}`);
        router.refresh();
      },
    }),
  );
  const error = preview.error === null ? null : shownError(preview.error);
  const problem = unreadable.find((one) => one === error?.details.problem);
  const value = (name: string) => {
    const found = error?.details[name];
    return typeof found === 'number' || typeof found === 'string' ? found : '';
  };
  const fresh = preview.data?.rows.filter((row) => !row.known).length ?? 0;
  return (
    <div className="grid gap-5">
      <Card className="grid max-w-3xl gap-4">
        <Field
          label={t('file')}
          hint={t('fileHint')}
          error={
            problem === undefined
              ? null
              : t(`unreadable.${problem}`, { line: value('line'), columns: value('columns'), most: value('most') })
          }
        >
          <Input
            type="file"
            accept=".csv,text/csv,text/plain"
            onChange={(event) => {
              const [chosen] = event.target.files ?? [];
              preview.reset();
              setFile(null);
              if (chosen === undefined) return;
              void fileAsBase64(chosen).then((base64) => {
                setFile(base64);
                preview.mutate({ agentId, file: base64 });
              });
            }}
          />
        </Field>
        {preview.error !== null && problem === undefined && <ErrorNotice error={preview.error} />}
      </Card>
      <div aria-live="polite" className="grid gap-5">
        {preview.data !== undefined && file !== null && (
          <>
            <p className="font-semibold">
              {t('summary', {
                fresh,
                known: preview.data.rows.length - fresh,
                wrong: new Set(preview.data.errors.map((one) => one.line)).size,
              })}
            </p>
            {preview.data.unknownColumns.length > 0 && (
              <p className="text-ink-2">{t('unknownColumns', { columns: preview.data.unknownColumns.join(', ') })}</p>
            )}
            <ErrorNotice error={run.error} />
            {fresh > 0 && (
              <div>
                <Button variant="primary" pending={run.isPending} onClick={() => run.mutate({ agentId, file })}>
                  {t('submit', { count: fresh })}
                </Button>
              </div>
            )}
            <Wrong errors={preview.data.errors} />
            <Rows rows={preview.data.rows} />
          </>
        )}
      </div>
    </div>
  );
}

function Wrong({ errors }: { errors: Preview['errors'] }) {
  const t = useTranslations('schools.import');
  if (errors.length === 0) return null;
  const columns: Column<Preview['errors'][number]>[] = [
    { id: 'line', header: t('line'), cell: (row) => row.line, sortBy: (row) => row.line, numeric: true },
    { id: 'column', header: t('column'), cell: (row) => <code>{row.column ?? t('wholeLine')}</code> },
    { id: 'value', header: t('value'), cell: (row) => <span className="break-all">{row.value}</span>, wideOnly: true },
    { id: 'problem', header: t('problem'), cell: (row) => t(`problems.${row.problem}`, { value: row.value }) },
  ];
  return (
    <section className="grid gap-2">
      <h2>{t('errors')}</h2>
      <DataTable
        rows={errors}
        columns={columns}
        rowId={(row) => `${row.line}-${row.column ?? ''}-${row.problem}`}
        caption={t('errors')}
        name="errors"
      />
    </section>
  );
}

function Rows({ rows }: { rows: Preview['rows'] }) {
  const t = useTranslations('schools');
  if (rows.length === 0) return null;
  const columns: Column<Preview['rows'][number]>[] = [
    { id: 'line', header: t('import.line'), cell: (row) => row.line, sortBy: (row) => row.line, numeric: true },
    {
      id: 'name',
      header: t('pipeline.school'),
      cell: (row) => <span className="break-words">{row.name}</span>,
      sortBy: (row) => row.name,
      searchIn: (row) => row.name,
    },
    {
      id: 'number',
      header: t('details.registerNumber'),
      cell: (row) => t('school.number', { register: row.register, number: row.registerNumber }),
      wideOnly: true,
    },
    {
      id: 'known',
      header: t('import.inPipeline'),
      cell: (row) => (
        <StateBadge look={row.known ? 'rest' : 'live'}>{t(row.known ? 'import.known' : 'import.fresh')}</StateBadge>
      ),
    },
  ];
  return (
    <section className="grid gap-2">
      <h2>{t('import.rows')}</h2>
      <DataTable
        rows={rows}
        columns={columns}
        rowId={(row) => String(row.line)}
        caption={t('import.rows')}
        name="rows"
      />
    </section>
  );
}
