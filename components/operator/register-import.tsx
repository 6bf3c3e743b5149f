'use client';

import { useMutation } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { fileAsBase64 } from '#components/schools/file-as-base64.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input, Select } from '#components/ui/input.tsx';
import { registers } from '#db/schema/vocabulary.ts';

/** The official register, as a file. */
export function RegisterImport() {
  const t = useTranslations('operations.registerImport');
  const trpc = useTRPC();
  const run = useMutation(trpc.schools.importRegister.mutationOptions());
  const submit = async (form: FormData) => {
    const file = form.get('file');
    const register = registers.find((one) => one === form.get('register'));
    if (!(file instanceof File) || register === undefined) return;
    run.mutate({ register, file: await fileAsBase64(file) });
  };
  return (
    <form
      className="grid max-w-2xl gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        void submit(new FormData(event.currentTarget));
      }}
    >
      <Card className="grid gap-4">
        <Field label={t('register')}>
          <Select name="register" required>
            {registers.map((register) => (
              <option key={register} value={register}>
                {register}
              </option>
            ))}
          </Select>
        </Field>
        <Field label={t('file')} hint={t('fileHint')}>
          <Input name="file" type="file" required accept=".csv,text/csv,text/plain" />
        </Field>
      </Card>
      <ErrorNotice error={run.error} />
      <p role="status" className="font-semibold empty:hidden">
        {run.data === undefined ? '' : t('done', run.data)}
      </p>
      <div>
        <Button type="submit" variant="primary" pending={run.isPending}>
          {t('submit')}
        </Button>
      </div>
    </form>
  );
}
