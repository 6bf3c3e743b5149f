'use client';

import { useTranslations } from 'next-intl';
import { useState } from 'react';
import type { Outputs } from '#components/trpc/types.ts';
import { Field } from '#components/ui/field.tsx';
import { Checkbox, Select } from '#components/ui/input.tsx';
import { type SchoolRole, schoolRoles } from '#db/schema/vocabulary.ts';

export type RoleLimits = Outputs['people']['listRoleLimits'];

export interface ChosenRoles {
  readonly roles: SchoolRole[];
  readonly systemId: string | null;
  readonly siteId: string | null;
}

/** What a form with `RoleFields` says. */
export function chosenRoles(form: FormData): ChosenRoles {
  const limit = (name: string) => {
    const value = form.get(name);
    return typeof value === 'string' && value !== '' ? value : null;
  };
  return {
    roles: schoolRoles.filter((role) => form.get(role) === 'on'),
    systemId: limit('systemId'),
    siteId: limit('siteId'),
  };
}

/** The roles of a school to choose from, each with what it may do, and the limits where a chosen role can have one. */
export function RoleFields({
  limits,
  initial,
  missing,
}: {
  limits: RoleLimits;
  initial: ChosenRoles;
  /** Nothing was chosen and the form was sent. */
  missing: boolean;
}) {
  const t = useTranslations('schoolPeople');
  const words = useTranslations('people.roles');
  const [roles, setRoles] = useState<readonly SchoolRole[]>(initial.roles);
  const bySystem = (roles.includes('approver') || roles.includes('technical-contact')) && limits.systems.length > 0;
  const bySite = roles.includes('approver') && limits.sites.length > 1;
  return (
    <>
      <fieldset className="grid gap-1">
        <legend className="mb-1 font-semibold">{t('rolesLegend')}</legend>
        {schoolRoles.map((role) => (
          <Checkbox
            key={role}
            name={role}
            checked={roles.includes(role)}
            onChange={(event) =>
              setRoles(event.target.checked ? [...roles, role] : roles.filter((other) => other !== role))
            }
            label={<span className="inline-block first-letter:uppercase">{words(role)}</span>}
            hint={t(`role.${role}`)}
          />
        ))}
        {missing && roles.length === 0 && (
          <p role="alert" className="font-semibold text-fail text-sm">
            {t('rolesMissing')}
          </p>
        )}
      </fieldset>
      {bySystem && (
        <Field label={t('systemLimit')} hint={t('systemLimitHint')}>
          <Select name="systemId" defaultValue={initial.systemId ?? ''}>
            <option value="">{t('allSystems')}</option>
            {limits.systems.map((system) => (
              <option key={system.id} value={system.id}>
                {system.name}
              </option>
            ))}
          </Select>
        </Field>
      )}
      {bySite && (
        <Field label={t('siteLimit')} hint={t('siteLimitHint')}>
          <Select name="siteId" defaultValue={initial.siteId ?? ''}>
            <option value="">{t('allSites')}</option>
            {limits.sites.map((site) => (
              <option key={site.id} value={site.id}>
                {site.name}
              </option>
            ))}
          </Select>
        </Field>
      )}
    </>
  );
}
