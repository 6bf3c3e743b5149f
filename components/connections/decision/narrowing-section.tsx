'use client';

import { useTranslations } from 'next-intl';
import { Checkbox } from '#components/ui/input.tsx';
import { useReleasedFieldWords } from '../released-field-words.ts';
import type { Choice, Decision } from './decision.ts';

/** Leaves single fields of people out, and narrows to streams and subjects. What is left out does not exist for who receives. */
export function NarrowingSection({
  decision: { narrowableFields, narrowableTo },
  choice,
  onChoice,
}: {
  decision: Decision;
  choice: Choice;
  onChoice: (choice: Choice) => void;
}) {
  const t = useTranslations('decision.narrowing');
  const fieldWords = useReleasedFieldWords();
  const toggle = (list: readonly string[], id: string, on: boolean) =>
    on ? [...list, id] : list.filter((other) => other !== id);
  const fields = narrowableFields.flatMap((id) => {
    const field = fieldWords(id);
    return field === null || choice.withoutScopes.includes(field.scope) ? [] : [{ id, words: field.words }];
  });
  return (
    <>
      {fields.length > 0 && (
        <details className="border-line border-t pt-3">
          <summary className="cursor-pointer font-semibold">
            {t('fields', { count: choice.withoutFields.length })}
          </summary>
          <p className="my-2 text-ink-2 text-sm">{t('fieldsHint')}</p>
          <fieldset className="grid gap-x-6 sm:grid-cols-2">
            <legend className="sr-only">{t('fieldsLegend')}</legend>
            {fields.map(({ id, words }) => (
              <Checkbox
                key={id}
                label={words}
                checked={choice.withoutFields.includes(id)}
                onChange={(event) =>
                  onChoice({ ...choice, withoutFields: toggle(choice.withoutFields, id, event.target.checked) })
                }
              />
            ))}
          </fieldset>
        </details>
      )}
      {(['streams', 'subjects'] as const).map((direction) =>
        narrowableTo[direction].length === 0 ? null : (
          <details key={direction} className="border-line border-t pt-3">
            <summary className="cursor-pointer font-semibold">
              {t(`only.${direction}`, { count: choice[direction].length })}
            </summary>
            <p className="my-2 text-ink-2 text-sm">{t('onlyHint')}</p>
            <fieldset className="grid max-h-72 gap-x-6 overflow-auto sm:grid-cols-2">
              <legend className="sr-only">{t(`only.${direction}`, { count: choice[direction].length })}</legend>
              {narrowableTo[direction].map(({ id, name }) => (
                <Checkbox
                  key={id}
                  label={name}
                  checked={choice[direction].includes(id)}
                  onChange={(event) =>
                    onChoice({ ...choice, [direction]: toggle(choice[direction], id, event.target.checked) })
                  }
                />
              ))}
            </fieldset>
          </details>
        ),
      )}
    </>
  );
}
