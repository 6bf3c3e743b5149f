'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { isAbout, isAboutAny } from '#components/schools/problems.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Checkbox, Input, Textarea } from '#components/ui/input.tsx';

interface TemplateFormProps {
  /** Whose it is; none for the operator's. */
  readonly agentId?: string;
  readonly template: {
    readonly id: string | null;
    readonly name: string;
    readonly body: string;
    readonly dataProcessingTerms: string;
    readonly standard: boolean;
  };
  readonly placeholders: readonly string[];
  readonly back: string;
}

/** A template's text. Saving makes a new version. */
export function TemplateForm({ agentId, template, placeholders, back }: TemplateFormProps) {
  const t = useTranslations('agreements');
  const trpc = useTRPC();
  const router = useRouter();
  const save = useMutation(
    trpc.agreements.saveTemplate.mutationOptions({
      onSuccess: () => {
        router.push(back);
        router.refresh();
      },
    }),
  );
  const hint = t('templates.bodyHint', { placeholders: placeholders.map((name) => `{{${name}}}`).join(' ') });
  return (
    <form
      className="grid max-w-4xl gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        const form = new FormData(event.currentTarget);
        save.mutate({
          ...(agentId === undefined ? {} : { agentId }),
          ...(template.id === null ? {} : { templateId: template.id }),
          name: String(form.get('name')),
          body: String(form.get('body')),
          dataProcessingTerms: String(form.get('dataProcessingTerms')),
          standard: form.get('standard') === 'on',
        });
      }}
    >
      <Card className="grid gap-4">
        <Field label={t('templates.name')} error={isAbout(save.error, 'name') ? t('problems.name') : null}>
          <Input name="name" required maxLength={120} defaultValue={template.name} />
        </Field>
        <Field label={t('templates.body')} hint={hint} error={isAbout(save.error, 'body') ? t('problems.body') : null}>
          <Textarea name="body" required rows={16} maxLength={100_000} defaultValue={template.body} />
        </Field>
        <Field
          label={t('field.dataProcessingTerms')}
          error={isAbout(save.error, 'dataProcessingTerms') ? t('problems.body') : null}
        >
          <Textarea
            name="dataProcessingTerms"
            required
            rows={12}
            maxLength={100_000}
            defaultValue={template.dataProcessingTerms}
          />
        </Field>
        {agentId === undefined && (
          <Checkbox name="standard" label={t('templates.makeStandard')} defaultChecked={template.standard} />
        )}
      </Card>
      {save.error !== null && !isAboutAny(save.error, ['name', 'body', 'dataProcessingTerms']) && (
        <ErrorNotice error={save.error} />
      )}
      <div>
        <Button type="submit" variant="primary" pending={save.isPending}>
          {t('templates.save')}
        </Button>
      </div>
    </form>
  );
}
