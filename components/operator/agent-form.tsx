'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import type { PlaceChoices } from '#components/schools/countries.ts';
import { isAbout, isAboutAny } from '#components/schools/problems.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Checkbox, Input, Select, Textarea } from '#components/ui/input.tsx';

/** An agent as the operator takes it on or changes it. */
export function AgentForm({
  agent,
  countries,
}: {
  agent?: Outputs['organisations']['viewAgent'];
  countries: PlaceChoices['countries'];
}) {
  const t = useTranslations('organisations.form');
  const choose = useTranslations('schools.details');
  const trpc = useTRPC();
  const router = useRouter();
  const opened = ({ agentId }: { agentId: string }) => {
    router.push(`/operator/agents/${agentId}`);
    router.refresh();
  };
  const create = useMutation(trpc.organisations.createAgent.mutationOptions({ onSuccess: opened }));
  const edit = useMutation(trpc.organisations.editAgent.mutationOptions({ onSuccess: opened }));
  const { error, isPending } = agent === undefined ? create : edit;
  const problem = (field: 'name' | 'country' | 'emailDomains' | 'administrator') =>
    isAbout(error, field) ? t(`problems.${field}`) : null;
  return (
    <form
      className="grid max-w-2xl gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        const form = new FormData(event.currentTarget);
        const text = (name: string) => String(form.get(name) ?? '');
        const details = {
          name: text('name'),
          country: text('country'),
          emailDomains: text('emailDomains')
            .split(/[\n,]/)
            .map((line) => line.trim())
            .filter((line) => line !== ''),
          mayCountersign: form.get('mayCountersign') === 'on',
        };
        if (agent !== undefined) edit.mutate({ agentId: agent.agentId, ...details });
        else create.mutate({ ...details, administrator: { name: text('adminName'), email: text('adminEmail') } });
      }}
    >
      <Card className="grid gap-4">
        <Field label={t('name')} error={problem('name')}>
          <Input name="name" required maxLength={200} defaultValue={agent?.name} />
        </Field>
        <Field label={t('country')} error={problem('country')}>
          <Select name="country" required defaultValue={agent?.country ?? ''}>
            <option value="">{choose('choose')}</option>
            {countries.map(({ code, name }) => (
              <option key={code} value={code}>
                {name}
              </option>
            ))}
          </Select>
        </Field>
        <Field label={t('domains')} hint={t('domainsHint')} error={problem('emailDomains')}>
          <Textarea name="emailDomains" rows={3} defaultValue={agent?.emailDomains.join('\n')} />
        </Field>
        <Checkbox
          name="mayCountersign"
          label={t('mandate')}
          hint={t('mandateHint')}
          defaultChecked={agent?.mayCountersign}
        />
      </Card>
      {agent === undefined && (
        <Card className="grid gap-4">
          <h2>{t('administrator')}</h2>
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label={t('adminName')}>
              <Input name="adminName" required maxLength={200} />
            </Field>
            <Field label={t('adminEmail')} error={problem('administrator')}>
              <Input name="adminEmail" type="email" required maxLength={254} />
            </Field>
          </div>
        </Card>
      )}
      {error !== null && !isAboutAny(error, ['name', 'country', 'emailDomains', 'administrator']) && (
        <ErrorNotice error={error} />
      )}
      <div>
        <Button type="submit" variant="primary" pending={isPending}>
          {t(agent === undefined ? 'submit' : 'save')}
        </Button>
      </div>
    </form>
  );
}
