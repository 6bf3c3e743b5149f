'use client';

import { useTranslations } from 'next-intl';
import type { FieldErrors, UseFormRegister } from 'react-hook-form';
import { Field } from '#components/ui/field.tsx';
import { Input, Select } from '#components/ui/input.tsx';
import { useConnectorText, useFieldHelp } from '../connector-text.ts';
import type { SetUp } from './set-up.ts';

export type FieldValues = Record<string, string>;

/** The fields that a connector declares, as a form's controls. */
export function ConnectorFields({
  fields,
  register,
  errors,
}: {
  fields: SetUp['settingsFields'];
  register: UseFormRegister<FieldValues>;
  errors: FieldErrors<FieldValues>;
}) {
  const common = useTranslations('common');
  const t = useTranslations('systemPage.address');
  const text = useConnectorText();
  const help = useFieldHelp();
  return fields.map((field) => {
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
                {choice}
              </option>
            ))}
          </Select>
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
