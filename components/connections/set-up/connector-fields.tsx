'use client';

import { useTranslations } from 'next-intl';
import type { FieldErrors, UseFormRegister } from 'react-hook-form';
import { Field } from '#components/ui/field.tsx';
import { Input, Select, Textarea } from '#components/ui/input.tsx';
import { useChoiceText, useConnectorText, useFieldHelp } from '../connector-text.ts';
import { askedFields } from './asked-fields.ts';
import type { SetUp } from './set-up.ts';

export type FieldValues = Record<string, string>;

/** The fields that a connector declares, as a form's controls; with `values` (what is typed so far) those that do not apply stay away. */
export function ConnectorFields({
  fields,
  register,
  errors,
  values = {},
}: {
  fields: SetUp['settingsFields'];
  register: UseFormRegister<FieldValues>;
  errors: FieldErrors<FieldValues>;
  values?: Readonly<Partial<FieldValues>>;
}) {
  const common = useTranslations('common');
  const t = useTranslations('systemPage.address');
  const text = useConnectorText();
  const help = useFieldHelp();
  const choiceText = useChoiceText();
  return askedFields(fields, values).map((field) => {
    const registered = register(field.name, { required: field.required ? t('fieldMissing') : false });
    const attributes = {
      ...registered,
      required: undefined,
      spellCheck: false,
      autoCapitalize: 'none',
      autoComplete: field.kind === 'secret' ? 'new-password' : 'off',
    };
    return (
      <Field
        key={field.name}
        label={text(field.label)}
        hint={help(field.label)}
        error={errors[field.name]?.message}
        optional={field.required ? undefined : common('optional')}
      >
        {field.kind === 'choice' ? (
          <Select {...registered}>
            {field.choices?.map((choice) => (
              <option key={choice} value={choice}>
                {choiceText(field.label, choice)}
              </option>
            ))}
          </Select>
        ) : field.kind === 'key' ? (
          <Textarea {...attributes} rows={4} className="font-mono text-sm" />
        ) : (
          <Input
            {...attributes}
            type={field.kind === 'secret' ? 'password' : field.kind === 'url' ? 'url' : 'text'}
            inputMode={field.kind === 'url' ? 'url' : undefined}
            placeholder={field.example}
          />
        )}
      </Field>
    );
  });
}
