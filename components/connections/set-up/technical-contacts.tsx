'use client';

import { useMutation, useQuery } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Select } from '#components/ui/input.tsx';

type Page = Outputs['systems']['page'];

/** Who of the school runs this system; an administrator names and dismisses. */
export function TechnicalContacts({
  schoolId,
  system,
  isAdministrator,
  onChange,
}: {
  schoolId: string;
  system: Page;
  isAdministrator: boolean;
  onChange: () => Promise<unknown>;
}) {
  const trpc = useTRPC();
  const t = useTranslations('systemPage.contacts');
  const [userId, setUserId] = useState('');
  const members = useQuery({ ...trpc.people.listSchoolMembers.queryOptions({ schoolId }), enabled: isAdministrator });
  const name = useMutation(
    trpc.systems.nameTechnicalContact.mutationOptions({
      onSuccess: async () => {
        setUserId('');
        await onChange();
        toast.success(t('named'));
      },
    }),
  );
  const dismiss = useMutation(trpc.systems.dismissTechnicalContact.mutationOptions({ onSuccess: onChange }));
  const choosable = (members.data?.members ?? []).filter(
    (member) => !system.technicalContacts.some((contact) => contact.userId === member.userId),
  );
  return (
    <>
      {system.technicalContacts.length === 0 ? (
        <p className="text-ink-2">{t('none')}</p>
      ) : (
        <ul className="grid gap-2">
          {system.technicalContacts.map((contact) => (
            <li key={contact.userId} className="flex items-start justify-between gap-3">
              <span className="min-w-0">
                <span className="block font-semibold">{contact.name}</span>
                <span className="block break-all text-ink-2 text-sm">
                  {contact.email} · {t(contact.forThisSystemOnly ? 'thisSystem' : 'allSystems')}
                </span>
              </span>
              {isAdministrator && contact.forThisSystemOnly && (
                <Button
                  size="small"
                  aria-label={t('dismissLabel', { name: contact.name })}
                  onClick={() => dismiss.mutate({ schoolId, systemId: system.id, userId: contact.userId })}
                >
                  {t('dismiss')}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      {isAdministrator && choosable.length > 0 && (
        <form
          className="grid gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            if (userId !== '') name.mutate({ schoolId, systemId: system.id, userId });
          }}
        >
          <Field label={t('name')} hint={t('nameHint')}>
            <Select value={userId} onChange={(event) => setUserId(event.target.value)}>
              <option value="">{t('choose')}</option>
              {choosable.map((member) => (
                <option key={member.userId} value={member.userId}>
                  {member.name}
                </option>
              ))}
            </Select>
          </Field>
          {userId !== '' && (
            <Button type="submit" className="justify-self-start" pending={name.isPending}>
              {t('nameSubmit')}
            </Button>
          )}
        </form>
      )}
      <ErrorNotice error={name.error ?? dismiss.error} />
    </>
  );
}
