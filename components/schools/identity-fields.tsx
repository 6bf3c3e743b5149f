'use client';

import { useTranslations } from 'next-intl';
import { type ReactNode, useState } from 'react';
import { Field } from '#components/ui/field.tsx';
import { Input, Select } from '#components/ui/input.tsx';
import { registers } from '#db/schema/vocabulary.ts';
import { type PlaceChoices, usualRegister, usualTimeZone } from './countries.ts';
import { isAbout } from './problems.ts';

export interface Identity {
  readonly name: string;
  readonly register: string;
  readonly registerNumber: string;
  readonly country: string;
  readonly timeZone: string;
}

interface IdentityFieldsProps {
  readonly error: unknown;
  readonly choices: PlaceChoices;
  readonly initial?: Identity;
  /** The number is part of what the school is; it cannot be edited later. */
  readonly fixedNumber?: boolean;
  readonly onNumber?: (number: { register: string; registerNumber: string }) => void;
  /** Stands below the number: a warning on a double. */
  readonly belowNumber?: ReactNode;
}

const registerOf = (text: string) => registers.find((register) => register === text);

/** Name, place and number of a school. Country proposes register and time zone; both stay free. */
export function IdentityFields({ error, choices, initial, fixedNumber, onNumber, belowNumber }: IdentityFieldsProps) {
  const t = useTranslations('schools');
  const zones = choices.timeZones;
  const [country, setCountry] = useState(initial?.country ?? '');
  const [timeZone, setTimeZone] = useState(initial?.timeZone ?? '');
  const [register, setRegister] = useState(initial?.register ?? '');
  const [number, setNumber] = useState(initial?.registerNumber ?? '');
  const problem = (field: keyof Identity) => (isAbout(error, field) ? t(`problems.${field}`) : null);
  return (
    <>
      <Field label={t('details.name')} error={problem('name')}>
        <Input name="name" required maxLength={200} defaultValue={initial?.name} />
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t('details.country')} error={problem('country')}>
          <Select
            name="country"
            required
            value={country}
            onChange={(event) => {
              const code = event.target.value;
              setCountry(code);
              const zone = usualTimeZone[code];
              if (zone !== undefined) setTimeZone(zone);
              const usual = usualRegister[code];
              if (usual !== undefined && fixedNumber !== true) {
                setRegister(usual);
                if (number !== '') onNumber?.({ register: usual, registerNumber: number });
              }
            }}
          >
            <option value="">{t('details.choose')}</option>
            {choices.countries.map(({ code, name }) => (
              <option key={code} value={code}>
                {name}
              </option>
            ))}
          </Select>
        </Field>
        <Field label={t('details.timeZone')} hint={t('details.timeZoneHint')} error={problem('timeZone')}>
          <Select name="timeZone" required value={timeZone} onChange={(event) => setTimeZone(event.target.value)}>
            <option value="">{t('details.choose')}</option>
            {timeZone !== '' && !zones.includes(timeZone) && <option value={timeZone}>{timeZone}</option>}
            {zones.map((zone) => (
              <option key={zone} value={zone}>
                {zone.replaceAll('_', ' ')}
              </option>
            ))}
          </Select>
        </Field>
      </div>
      {fixedNumber !== true && (
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={t('details.register')} error={problem('register')}>
            <Select
              name="register"
              required
              value={register}
              onChange={(event) => {
                setRegister(event.target.value);
                if (number !== '') onNumber?.({ register: event.target.value, registerNumber: number });
              }}
            >
              <option value="">{t('details.choose')}</option>
              {registers.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </Select>
          </Field>
          <Field
            label={t('details.registerNumber')}
            hint={t('details.registerNumberHint')}
            error={problem('registerNumber')}
          >
            <Input
              name="registerNumber"
              required
              maxLength={40}
              value={number}
              onChange={(event) => setNumber(event.target.value)}
              onBlur={() => {
                if (number.trim() !== '' && register !== '') onNumber?.({ register, registerNumber: number });
              }}
            />
          </Field>
        </div>
      )}
      {belowNumber}
    </>
  );
}

/** What the fields hold, as the procedures take it. */
export function readIdentity(form: FormData) {
  const text = (name: string) => String(form.get(name) ?? '');
  return {
    name: text('name'),
    register: registerOf(text('register')) ?? ('other' as const),
    registerNumber: text('registerNumber'),
    country: text('country'),
    timeZone: text('timeZone'),
  };
}
