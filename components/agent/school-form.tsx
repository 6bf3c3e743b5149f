'use client';

import { useMutation, useQuery } from '@tanstack/react-query';
import { Plus, Trash2 } from 'lucide-react';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import type { PlaceChoices } from '#components/schools/countries.ts';
import { type Identity, IdentityFields, readIdentity } from '#components/schools/identity-fields.tsx';
import { isAbout, isAboutAny } from '#components/schools/problems.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Ask, Card } from '#components/ui/card.tsx';
import { ErrorNotice, shownError } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input, Textarea } from '#components/ui/input.tsx';
import { registers } from '#db/schema/vocabulary.ts';

type Known = Outputs['schools']['viewSchoolOfAgent'];

const fields = ['name', 'register', 'registerNumber', 'country', 'timeZone', 'sites', 'contacts', 'note'] as const;

interface SchoolFormProps {
  readonly agentId: string;
  readonly choices: PlaceChoices;
  /** The school that is corrected, and what is noted of it. */
  readonly schoolId?: string;
  readonly known?: Known;
}

/** A school as an agent enters or corrects it. */
export function SchoolForm({ agentId, choices, schoolId, known }: SchoolFormProps) {
  const t = useTranslations('schools');
  const trpc = useTRPC();
  const router = useRouter();
  const [contacts, setContacts] = useState(() => (known?.contacts ?? []).map((contact, key) => ({ key, ...contact })));
  const [nextKey, setNextKey] = useState(contacts.length);
  const [number, setNumber] = useState<{ register: string; registerNumber: string } | null>(null);
  const register = registers.find((one) => one === number?.register);
  const double = useQuery({
    ...trpc.schools.checkRegisterNumber.queryOptions({
      agentId,
      register: register ?? 'other',
      registerNumber: number?.registerNumber ?? '',
    }),
    enabled: schoolId === undefined && register !== undefined && number !== null,
    retry: false,
  });
  const open = (id: string) => {
    router.push(`/agent/${agentId}/schools/${id}`);
    router.refresh();
  };
  const add = useMutation(trpc.schools.addSchool.mutationOptions({ onSuccess: (added) => open(added.schoolId) }));
  const edit = useMutation(trpc.schools.editSchoolOfAgent.mutationOptions({ onSuccess: () => open(schoolId ?? '') }));
  const { error, isPending } = schoolId === undefined ? add : edit;
  const problem = (field: (typeof fields)[number]) => (isAbout(error, field) ? t(`problems.${field}`) : null);
  const initial: Identity | undefined = known;
  const isDouble = error !== null && shownError(error).code === 'duplicate';

  const submit = (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? '');
    const details = {
      ...readIdentity(form),
      sites: text('sites')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
        .map((name) => {
          const before = known?.sites.find((site) => site.name === name);
          return { name, registerNumber: before?.registerNumber ?? null, place: before?.place ?? null };
        }),
      contacts: contacts.map(({ key }) => ({
        name: text(`contact-name-${key}`),
        email: text(`contact-email-${key}`),
        role: text(`contact-role-${key}`),
        phone: text(`contact-phone-${key}`),
      })),
      note: text('note'),
    };
    if (schoolId === undefined) add.mutate({ agentId, ...details });
    else edit.mutate({ agentId, schoolId, ...details });
  };

  return (
    <form
      className="grid max-w-3xl gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        submit(new FormData(event.currentTarget));
      }}
    >
      <Card className="grid gap-4">
        <IdentityFields
          choices={choices}
          error={isDouble ? null : error}
          initial={initial}
          fixedNumber={schoolId !== undefined}
          onNumber={setNumber}
          belowNumber={
            <div aria-live="polite">
              {double.data != null && (
                <Ask
                  action={
                    double.data.archived ? undefined : (
                      <Button asChild size="small">
                        <Link href={`/agent/${agentId}/schools/${double.data.schoolId}`}>{t('double.open')}</Link>
                      </Button>
                    )
                  }
                >
                  {t(double.data.archived ? 'double.archived' : 'double.own', { name: double.data.name })}
                </Ask>
              )}
            </div>
          }
        />
        <Field label={t('details.sites')} hint={t('details.sitesHint')} error={problem('sites')}>
          <Textarea name="sites" rows={3} defaultValue={known?.sites.map((site) => site.name).join('\n')} />
        </Field>
      </Card>
      <Card className="grid gap-4">
        <h2>{t('details.contacts')}</h2>
        {contacts.map((contact, index) => (
          <fieldset key={contact.key} className="grid gap-3 border-line border-b pb-4 sm:grid-cols-2">
            <legend className="sr-only">{t('details.contactNumber', { number: index + 1 })}</legend>
            <Field label={t('details.contactName')}>
              <Input name={`contact-name-${contact.key}`} required maxLength={120} defaultValue={contact.name} />
            </Field>
            <Field label={t('details.contactEmail')}>
              <Input
                name={`contact-email-${contact.key}`}
                type="email"
                required
                maxLength={254}
                defaultValue={contact.email}
              />
            </Field>
            <Field label={t('details.contactRole')}>
              <Input name={`contact-role-${contact.key}`} maxLength={80} defaultValue={contact.role} />
            </Field>
            <div className="flex items-end gap-2">
              <div className="flex-1">
                <Field label={t('details.contactPhone')}>
                  <Input
                    name={`contact-phone-${contact.key}`}
                    type="tel"
                    maxLength={40}
                    defaultValue={contact.phone ?? ''}
                  />
                </Field>
              </div>
              <Button
                size="icon"
                variant="quiet"
                aria-label={t('details.removeContact', { number: index + 1 })}
                onClick={() => setContacts(contacts.filter(({ key }) => key !== contact.key))}
              >
                <Trash2 aria-hidden />
              </Button>
            </div>
          </fieldset>
        ))}
        {problem('contacts') !== null && (
          <p role="alert" className="font-semibold text-fail text-sm">
            {problem('contacts')}
          </p>
        )}
        <div>
          <Button
            size="small"
            onClick={() => {
              setContacts([...contacts, { key: nextKey, name: '', email: '', role: '', phone: null }]);
              setNextKey(nextKey + 1);
            }}
          >
            <Plus aria-hidden />
            {t('details.addContact')}
          </Button>
        </div>
        <Field label={t('details.note')} hint={t('details.noteHint')} error={problem('note')}>
          <Textarea name="note" rows={3} maxLength={2000} defaultValue={known?.note ?? ''} />
        </Field>
      </Card>
      {error !== null && (isDouble || !isAboutAny(error, fields)) && <ErrorNotice error={error} />}
      <div>
        <Button type="submit" variant="primary" pending={isPending}>
          {t(schoolId === undefined ? 'add.submit' : 'edit.submit')}
        </Button>
      </div>
    </form>
  );
}
