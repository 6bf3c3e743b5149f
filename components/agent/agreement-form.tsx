'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import type { ShownAgreement } from '#components/agreements/agreement-paper.tsx';
import { fileAsBase64 } from '#components/schools/file-as-base64.ts';
import { isAbout, isAboutAny } from '#components/schools/problems.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { ErrorNotice, shownError } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Checkbox, Input, Select, Textarea } from '#components/ui/input.tsx';

interface AgreementFormProps {
  readonly agentId: string;
  readonly schoolId: string;
  readonly templates: Outputs['agreements']['listTemplates'];
  readonly contact: { readonly name: string; readonly email: string } | null;
  /** First and last day that a new one proposes. */
  readonly proposed: { readonly termStart: string; readonly termEnd: string };
  /** The draft that is changed. */
  readonly draft?: ShownAgreement;
}

const fields = [
  'templateId',
  'termStart',
  'termEnd',
  'products',
  'signatoryName',
  'signatoryEmail',
  'email',
  'graceDays',
] as const;

/** What is agreed: term, products, price, data-processing terms, a document, and who signs. */
export function AgreementForm({ agentId, schoolId, templates, contact, proposed, draft }: AgreementFormProps) {
  const t = useTranslations('agreements');
  const common = useTranslations('common');
  const trpc = useTRPC();
  const router = useRouter();
  const [all, setAll] = useState(draft === undefined || draft.products[0] === 'all');
  const opened = ({ agreementId }: { agreementId: string }) => {
    router.push(`/agent/${agentId}/schools/${schoolId}/agreements/${agreementId}`);
    router.refresh();
  };
  const drawUp = useMutation(trpc.agreements.drawUp.mutationOptions({ onSuccess: opened }));
  const revise = useMutation(trpc.agreements.revise.mutationOptions({ onSuccess: opened }));
  const { error, isPending } = draft === undefined ? drawUp : revise;
  const problem = (field: 'termEnd' | 'templateId' | 'products' | 'signatoryName' | 'graceDays') =>
    isAbout(error, field) ? t(`problems.${field}`) : null;
  const fileRefused = error !== null && shownError(error).code === 'file-refused';
  // The agent's own address is refused as a conflict of interest that names the field.
  const addressProblem = isAbout(error, 'signatoryEmail') || isAbout(error, 'email');

  const submit = async (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? '');
    const file = form.get('attachment');
    const attachment =
      file instanceof File && file.size > 0 ? { fileName: file.name, base64: await fileAsBase64(file) } : undefined;
    const terms = {
      agentId,
      schoolId,
      templateId: text('templateId'),
      termStart: text('termStart'),
      termEnd: text('termEnd'),
      products: all
        ? ('all' as const)
        : text('products')
            .split('\n')
            .map((line) => line.trim())
            .filter((line) => line !== ''),
      priceNote: text('priceNote'),
      ...(text('dataProcessingTerms').trim() === '' ? {} : { dataProcessingTerms: text('dataProcessingTerms') }),
      graceDays: Number(text('graceDays')),
      signatoryName: text('signatoryName'),
      signatoryEmail: text('signatoryEmail'),
      ...(attachment === undefined ? {} : { attachment }),
    };
    if (draft === undefined) drawUp.mutate(terms);
    else revise.mutate({ ...terms, agreementId: draft.id });
  };

  return (
    <form
      className="grid max-w-3xl gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        void submit(new FormData(event.currentTarget));
      }}
    >
      <Card className="grid gap-4">
        <Field label={t('field.template')} error={problem('templateId')}>
          <Select name="templateId" required defaultValue={draft?.templateId ?? templates[0]?.id}>
            {templates.map((template) => (
              <option key={template.id} value={template.id}>
                {template.ofOperator ? `${template.name} (${t('templates.ofOperator')})` : template.name}
              </option>
            ))}
          </Select>
        </Field>
        <div className="grid gap-4 sm:grid-cols-3">
          <Field label={t('field.termStart')}>
            <Input name="termStart" type="date" required defaultValue={draft?.termStart ?? proposed.termStart} />
          </Field>
          <Field label={t('field.termEnd')} error={problem('termEnd')}>
            <Input name="termEnd" type="date" required defaultValue={draft?.termEnd ?? proposed.termEnd} />
          </Field>
          <Field label={t('field.graceDays')} error={problem('graceDays')}>
            <Input
              name="graceDays"
              type="number"
              required
              min={0}
              max={365}
              inputMode="numeric"
              defaultValue={draft?.graceDays ?? 30}
            />
          </Field>
        </div>
        <p className="text-ink-2 text-sm">{t('field.graceDaysHint')}</p>
        <Checkbox label={t('field.productsAll')} checked={all} onChange={(event) => setAll(event.target.checked)} />
        {!all && (
          <Field label={t('field.productsSome')} hint={t('field.productsHint')} error={problem('products')}>
            <Textarea
              name="products"
              required
              rows={3}
              defaultValue={draft?.products.filter((product) => product !== 'all').join('\n')}
            />
          </Field>
        )}
        <Field label={t('field.priceNote')} hint={t('field.priceNoteHint')} optional={common('optional')}>
          <Textarea name="priceNote" rows={2} maxLength={2000} defaultValue={draft?.priceNote} />
        </Field>
        <Field
          label={t('field.dataProcessingTerms')}
          hint={t('field.dataProcessingTermsHint')}
          optional={common('optional')}
        >
          <Textarea name="dataProcessingTerms" rows={4} maxLength={100_000} defaultValue={draft?.dataProcessingTerms} />
        </Field>
        <Field
          label={t('field.attachment')}
          hint={t('field.attachmentHint')}
          optional={common('optional')}
          error={fileRefused ? t('problems.file') : null}
        >
          <Input name="attachment" type="file" accept="application/pdf,image/png,image/jpeg" />
        </Field>
      </Card>
      <Card className="grid gap-4">
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={t('field.signatoryName')} error={problem('signatoryName')}>
            <Input
              name="signatoryName"
              required
              maxLength={120}
              defaultValue={draft?.signatoryName ?? contact?.name ?? ''}
            />
          </Field>
          <Field
            label={t('field.signatoryEmail')}
            error={
              addressProblem && error !== null && shownError(error).code === 'invalid-input'
                ? t('problems.signatoryEmail')
                : null
            }
          >
            <Input
              name="signatoryEmail"
              type="email"
              required
              maxLength={254}
              defaultValue={draft?.signatoryEmail ?? contact?.email ?? ''}
            />
          </Field>
        </div>
        <p className="text-ink-2 text-sm">{t('field.signatoryHint')}</p>
      </Card>
      {error !== null && !fileRefused && (shownError(error).code !== 'invalid-input' || !isAboutAny(error, fields)) && (
        <ErrorNotice error={error} />
      )}
      <div>
        <Button type="submit" variant="primary" pending={isPending}>
          {t(draft === undefined ? 'drawUp.submit' : 'drawUp.save')}
        </Button>
      </div>
    </form>
  );
}
