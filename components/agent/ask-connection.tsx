'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { isAbout } from '#components/schools/problems.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Checkbox, Input, Select, Textarea } from '#components/ui/input.tsx';

type Systems = Outputs['connections']['requestsOfAsker']['systems'];
type Products = Outputs['systems']['toAdd'];

/** Writes an API token request for the marketplace: which system, what, why, how long. Nobody can tick people here. */
export function AskConnection({
  agentId,
  schoolId,
  systems,
  products,
}: {
  agentId: string;
  schoolId: string;
  systems: Systems;
  products: Products;
}) {
  const t = useTranslations('schools.ask');
  const words = useTranslations('connections');
  const common = useTranslations('common');
  const trpc = useTRPC();
  const router = useRouter();
  const [systemId, setSystemId] = useState(systems[0]?.id ?? '');
  const [productId, setProductId] = useState(products[0]?.product ?? '');
  const known = systems.find((system) => system.id === systemId);
  const product = products.find((one) => one.product === productId);
  const scopes = known?.scopes ?? product?.scopes ?? [];
  const [without, setWithout] = useState<readonly string[]>([]);
  const [optional, setOptional] = useState<readonly string[]>([]);
  const add = useMutation(trpc.systems.add.mutationOptions());
  const draft = useMutation(
    trpc.connections.draftRequest.mutationOptions({
      onSuccess: () => {
        router.push(`/agent/${agentId}/schools/${schoolId}`);
        router.refresh();
      },
    }),
  );
  const error = add.error ?? draft.error;
  const chosen = scopes.filter((scope) => !without.includes(scope));
  const submit = async (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? '');
    let target = systemId;
    if (known === undefined) {
      if (product === undefined) return;
      const added = await add.mutateAsync({
        agentId,
        schoolId,
        kind: product.kind,
        product: product.product,
        name: text('name'),
      });
      target = added.systemId;
      // A second try, after a refusal below, must not add the system again.
      setSystemId(target);
      router.refresh();
    }
    draft.mutate({
      agentId,
      schoolId,
      systemId: target,
      scopes: chosen.map((scope) => ({ scope, required: !optional.includes(scope) })),
      purpose: text('purpose'),
      ...(text('until') === '' ? {} : { until: text('until') }),
    });
  };
  return (
    <form
      className="grid max-w-3xl gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        submit(new FormData(event.currentTarget)).catch(() => undefined);
      }}
    >
      <Card className="grid gap-4">
        {systems.length > 0 && (
          <Field label={t('system')}>
            <Select value={systemId} onChange={(event) => setSystemId(event.target.value)}>
              {systems.map((system) => (
                <option key={system.id} value={system.id}>
                  {system.name} · {system.product}
                </option>
              ))}
              <option value="">{t('newSystem')}</option>
            </Select>
          </Field>
        )}
        {known === undefined && (
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label={t('product')} error={isAbout(error, 'product') ? t('problems.product') : null}>
              <Select value={productId} onChange={(event) => setProductId(event.target.value)}>
                {products.map((one) => (
                  <option key={one.product} value={one.product}>
                    {one.name} ({t(one.kind)})
                  </option>
                ))}
              </Select>
            </Field>
            <Field label={t('systemName')} error={isAbout(error, 'name') ? t('problems.name') : null}>
              <Input name="name" required maxLength={120} defaultValue="" />
            </Field>
          </div>
        )}
        <fieldset className="grid gap-1">
          <legend className="font-semibold">{t('scopes')}</legend>
          <p className="text-ink-2 text-sm">{t('scopesHint')}</p>
          {scopes.map((scope) => (
            <div key={scope} className="flex flex-wrap gap-x-6">
              <Checkbox
                className="min-w-48"
                label={words(`scope.${scope}`)}
                checked={!without.includes(scope)}
                onChange={(event) =>
                  setWithout(event.target.checked ? without.filter((one) => one !== scope) : [...without, scope])
                }
              />
              <Checkbox
                label={t('mayLeaveOut')}
                aria-label={t('mayLeaveOutThis', { what: words(`scope.${scope}`) })}
                disabled={without.includes(scope)}
                checked={optional.includes(scope)}
                onChange={(event) =>
                  setOptional(event.target.checked ? [...optional, scope] : optional.filter((one) => one !== scope))
                }
              />
            </div>
          ))}
          {chosen.length === 0 && (
            <p role="alert" className="font-semibold text-fail text-sm">
              {t('problems.scopes')}
            </p>
          )}
        </fieldset>
        <Field
          label={t('purpose')}
          hint={t('purposeHint')}
          error={isAbout(error, 'purpose') ? t('problems.purpose') : null}
        >
          <Textarea name="purpose" required minLength={3} maxLength={1000} />
        </Field>
        <Field
          label={t('until')}
          hint={t('untilHint')}
          optional={common('optional')}
          error={isAbout(error, 'until') ? t('problems.until') : null}
        >
          <Input name="until" type="date" className="max-w-60" />
        </Field>
      </Card>
      {error !== null && <ErrorNotice error={error} />}
      <p className="text-ink-2 text-sm">{t('note', { kind: known?.kind ?? product?.kind ?? 'sis' })}</p>
      <div>
        <Button
          type="submit"
          variant="primary"
          pending={add.isPending || draft.isPending}
          disabled={chosen.length === 0}
        >
          {t('submit')}
        </Button>
      </div>
    </form>
  );
}
