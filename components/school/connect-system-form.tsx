'use client';

import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useForm } from 'react-hook-form';
import { toast } from 'sonner';
import { z } from 'zod';
import { ConnectorFields, type FieldValues } from '#components/connections/set-up/connector-fields.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Ask, Card } from '#components/ui/card.tsx';
import { ErrorNotice, shownError, useErrorText } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input, RadioGroup } from '#components/ui/input.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import type { SchoolRole, SystemKind } from '#db/schema/vocabulary.ts';

/** Connector and product, name, address, and who has the credentials: one page, each part shown once it makes sense. */
export function ConnectSystemForm({
  schoolId,
  roles,
  kind,
}: {
  schoolId: string;
  roles: readonly SchoolRole[];
  kind: SystemKind | null;
}) {
  const trpc = useTRPC();
  const t = useTranslations('connectSystem');
  const address = useTranslations('systemPage.address');
  const errorText = useErrorText();
  const router = useRouter();
  const queryClient = useQueryClient();
  const { data: products } = useSuspenseQuery(trpc.systems.toAdd.queryOptions({}));
  const { data: graph } = useSuspenseQuery(trpc.connections.schoolGraph.queryOptions({ schoolId }));
  const [first] = products.filter((product) => product.kind === kind);
  const form = useForm<FieldValues>({
    defaultValues: {
      product: first?.product ?? '',
      name: '',
      where: 'me',
      who: 'me',
      contactName: '',
      contactEmail: '',
    },
    shouldUnregister: false,
  });
  const values = form.watch();
  const product = products.find((candidate) => candidate.product === values.product);
  const add = useMutation(trpc.systems.add.mutationOptions());
  const send = useMutation(trpc.connections.sendToTechnicalContact.mutationOptions());
  const { errors } = form.formState;
  const submit = async (entered: FieldValues) => {
    if (product === undefined) {
      form.setError('product', { message: t('productMissing') }, { shouldFocus: true });
      return;
    }
    const name = (entered.name ?? '').trim();
    const settings =
      entered.where === 'me'
        ? Object.fromEntries(product.settingsFields.map((field) => [field.name, entered[field.name] ?? '']))
        : undefined;
    try {
      const { systemId } = await add.mutateAsync({
        schoolId,
        kind: product.kind,
        product: product.product,
        name,
        settings,
      });
      const page = `/school/${schoolId}/systems/${systemId}`;
      await queryClient.invalidateQueries({ queryKey: trpc.connections.pathKey() });
      if (entered.who === 'other') {
        const to = { name: (entered.contactName ?? '').trim(), email: (entered.contactEmail ?? '').trim() };
        const sent = await send.mutateAsync({ schoolId, systemId, ...to }).then(
          () => true,
          () => false,
        );
        if (!sent) {
          toast.error(t('sendFailed', { name }));
          router.push(page);
          return;
        }
        toast.success(t('doneSent', { name, email: to.email }));
      } else {
        toast.success(t('done', { name }));
      }
      const asks = roles.includes('school-administrator') && graph.agreementInForce;
      router.push(asks ? `/school/${schoolId}/requests/new?system=${systemId}` : page);
    } catch (error) {
      const { code, details } = shownError(error);
      for (const field of Array.isArray(details.fields) ? details.fields : []) {
        form.setError(
          field.replace(/^settings\./, ''),
          { message: code === 'invalid-input' ? address('fieldUnusable') : errorText(error) },
          { shouldFocus: true },
        );
      }
    }
  };
  const nowhere = add.error !== null && Object.keys(errors).length === 0;
  const otherEnters = values.where === 'other';
  return (
    <>
      <PageHeader
        above={
          <Link href={`/school/${schoolId}`} className="text-ink-2">
            {t('above')}
          </Link>
        }
        title={t('title')}
        standing={t('standing')}
      />
      {!graph.agreementInForce && (
        <div className="mb-5">
          <Ask
            action={
              <Button asChild>
                <Link href={`/school/${schoolId}/agreements`}>{t('noAgreement.action')}</Link>
              </Button>
            }
          >
            <strong className="block">{t('noAgreement.title')}</strong>
            <span className="text-ink-2">{t('noAgreement.body')}</span>
          </Ask>
        </div>
      )}
      <form className="grid max-w-2xl gap-4" noValidate onSubmit={form.handleSubmit(submit)}>
        <Card className="grid gap-4">
          <RadioGroup
            legend={t('which')}
            {...form.register('product')}
            choices={products
              .filter((candidate) => kind === null || candidate.kind === kind)
              .map((candidate) => ({
                value: candidate.product,
                label: (
                  <>
                    <span className="font-semibold">{candidate.name}</span>{' '}
                    <span className="text-ink-2 text-sm">
                      · {t(candidate.kind)} · {t(candidate.kind === 'sis' ? 'sisHint' : 'lmsHint')}
                    </span>
                  </>
                ),
              }))}
          />
          {errors.product?.message !== undefined && (
            <p role="alert" className="font-semibold text-fail text-sm">
              {errors.product.message}
            </p>
          )}
          <Field label={t('name')} hint={t('nameHint')} error={errors.name?.message}>
            <Input
              {...form.register('name', { validate: (text) => (text ?? '').trim() !== '' || t('nameMissing') })}
              autoComplete="off"
              maxLength={120}
            />
          </Field>
        </Card>
        {product !== undefined && (
          <Card className="grid gap-4">
            <RadioGroup
              legend={t('where')}
              {...form.register('where')}
              choices={[
                { value: 'me', label: t('whereMe') },
                { value: 'other', label: t('whereOther') },
              ]}
            />
            {!otherEnters && (
              <ConnectorFields
                key={product.product}
                fields={product.settingsFields}
                register={form.register}
                errors={errors}
                values={values}
              />
            )}
          </Card>
        )}
        {product !== undefined && (
          <Card className="grid gap-4">
            <RadioGroup
              legend={t('who')}
              {...form.register('who')}
              choices={[
                { value: 'me', label: t('whoMe'), hint: t('whoMeHint') },
                { value: 'other', label: t('whoOther'), hint: t('whoOtherHint') },
                { value: 'later', label: t('whoLater') },
              ]}
            />
            {values.who === 'other' && (
              <>
                <Field label={t('contactName')} error={errors.contactName?.message}>
                  <Input
                    {...form.register('contactName', {
                      validate: (text) => (text ?? '').trim() !== '' || t('contactNameMissing'),
                    })}
                    autoComplete="off"
                  />
                </Field>
                <Field label={t('contactEmail')} error={errors.contactEmail?.message}>
                  <Input
                    type="email"
                    {...form.register('contactEmail', {
                      validate: (text) => z.email().safeParse((text ?? '').trim()).success || t('contactEmailWrong'),
                    })}
                    autoComplete="off"
                  />
                </Field>
              </>
            )}
          </Card>
        )}
        {nowhere && <ErrorNotice error={add.error} />}
        <Button
          type="submit"
          variant="primary"
          className="h-auto min-h-11 whitespace-normal justify-self-start"
          pending={form.formState.isSubmitting}
        >
          {(values.name ?? '').trim() === '' ? t('submit') : t('submitNamed', { name: (values.name ?? '').trim() })}
        </Button>
      </form>
    </>
  );
}
