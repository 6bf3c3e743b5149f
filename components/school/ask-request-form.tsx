'use client';

import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { type FormEvent, useState } from 'react';
import { toast } from 'sonner';
import { isOver } from '#components/connections/state-look.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { ErrorNotice, shownError } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Checkbox, Input, Select, Textarea } from '#components/ui/input.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { type ConnectionWay, connectionWays, type Scope } from '#db/schema/vocabulary.ts';

interface Problems {
  readonly scopes?: string;
  readonly purpose?: string;
  readonly until?: string;
}

/** What an LMS seldom needs: ticked on purpose. */
const seldom: readonly string[] = ['roster.guardians', 'roster.demographics'] satisfies Scope[];

/** Of which people there is no tick, said in the place where one would look for it. */
const notAskable = ['roster.teachers', 'roster.students', 'roster.guardians'] as const satisfies Scope[];

/** What is asked, what for and until when. A draft is changed with the same form. */
export function AskRequestForm({
  schoolId,
  systemId,
  lmsId,
  requestId,
}: {
  schoolId: string;
  systemId: string | null;
  /** The LMS that would receive; without one the marketplace asks. */
  lmsId: string | null;
  requestId: string | null;
}) {
  const trpc = useTRPC();
  const t = useTranslations('askRequest');
  const words = useTranslations('connections');
  const router = useRouter();
  const queryClient = useQueryClient();
  const { data } = useSuspenseQuery(trpc.connections.requestsOfAsker.queryOptions({ schoolId }));
  const { data: graph } = useSuspenseQuery(trpc.connections.schoolGraph.queryOptions({ schoolId }));
  const draft = data.requests.find(({ id, state }) => id === requestId && (state === 'draft' || state === 'requested'));
  const [chosen, setChosen] = useState(draft?.system.id ?? systemId ?? data.systems[0]?.id ?? '');
  const system = data.systems.find(({ id }) => id === chosen);
  const lms = data.systems.find(({ id, kind }) => kind === 'lms' && id === (draft?.lmsId ?? lmsId));
  const askable = (lms === undefined ? system?.scopes : system?.scopesForLms) ?? [];
  const [way, setWay] = useState<ConnectionWay>(draft?.way ?? 'pull');
  const amends = graph.edges.some(
    ({ producer, consumer, grantId, state }) =>
      producer.id === chosen &&
      (lms === undefined ? consumer.kind === 'marketplace' : consumer.id === lms.id) &&
      grantId !== null &&
      !isOver(state),
  );
  const [left, setLeft] = useState<readonly string[]>(
    draft === undefined
      ? lms === undefined
        ? []
        : seldom
      : askable.filter((s) => !draft.scopes.some(({ scope }) => scope === s)),
  );
  const [optional, setOptional] = useState<readonly string[]>(
    draft?.scopes.filter(({ required }) => !required).map(({ scope }) => scope) ?? [],
  );
  const [purpose, setPurpose] = useState(draft?.purpose ?? '');
  const [until, setUntil] = useState(draft?.until ?? '');
  const [problems, setProblems] = useState<Problems>({});
  const draftIt = useMutation(trpc.connections.draftRequest.mutationOptions());
  const revise = useMutation(trpc.connections.reviseRequest.mutationOptions());
  const send = useMutation(trpc.connections.sendRequest.mutationOptions());
  const asked = askable.filter((scope) => !left.includes(scope));
  const above = (
    <Link href={`/school/${schoolId}`} className="text-ink-2">
      {t('above')}
    </Link>
  );
  const title =
    draft !== undefined
      ? t('titleRevise')
      : amends
        ? t('titleAmend')
        : lms === undefined
          ? t('title')
          : t('titleLms', { lms: lms.name, system: system?.name ?? '' });
  if (!graph.agreementInForce || system === undefined) {
    return (
      <>
        <PageHeader above={above} title={title} />
        <EmptyState
          title={graph.agreementInForce ? t('systemNone') : t('noAgreement')}
          action={
            <Button asChild variant="primary">
              <Link href={`/school/${schoolId}/${graph.agreementInForce ? 'systems/new' : 'agreements'}`}>
                {graph.agreementInForce ? t('connect') : t('noAgreementAction')}
              </Link>
            </Button>
          }
        />
      </>
    );
  }
  const submit = async (event: FormEvent, alsoSend: boolean) => {
    event.preventDefault();
    const found: Problems = {
      ...(asked.length === 0 ? { scopes: t('scopesMissing') } : {}),
      ...(purpose.trim().length < 3 ? { purpose: t('purposeShort') } : {}),
    };
    setProblems(found);
    if (Object.keys(found).length > 0) return;
    const question = {
      schoolId,
      scopes: asked.map((scope) => ({ scope, required: !optional.includes(scope) })),
      purpose,
      until: until === '' ? undefined : until,
    };
    try {
      const made =
        draft === undefined
          ? await draftIt.mutateAsync({
              ...question,
              systemId: chosen,
              ...(lms === undefined ? {} : { consumerSystemId: lms.id, way }),
            })
          : await revise.mutateAsync({ ...question, requestId: draft.id }).then(() => ({
              requestId: draft.id,
              connectionId: draft.connectionId,
            }));
      if (alsoSend && draft?.state !== 'requested') await send.mutateAsync({ schoolId, requestId: made.requestId });
      await queryClient.invalidateQueries({ queryKey: trpc.connections.pathKey() });
      toast.success(t(alsoSend ? 'sent' : 'saved'));
      router.push(`/school/${schoolId}/connections/${made.connectionId}`);
    } catch (error) {
      const { fields } = shownError(error).details;
      if (Array.isArray(fields) && fields.includes('until')) setProblems({ until: t('untilWrong') });
    }
  };
  const error = problems.until === undefined ? (draftIt.error ?? revise.error ?? send.error) : null;
  const pending = draftIt.isPending || revise.isPending || send.isPending;
  return (
    <>
      <PageHeader above={above} title={title} standing={t(amends ? 'standingAmend' : 'standing')} />
      <form className="grid max-w-2xl gap-4" noValidate onSubmit={(event) => submit(event, true)}>
        <Card className="grid gap-4">
          {lms !== undefined && draft === undefined && !amends && (
            <Field label={t('way')} hint={t(`wayHint.${way}`, { lms: lms.name })}>
              <Select
                value={way}
                onChange={(event) => setWay(connectionWays.find((one) => one === event.target.value) ?? 'pull')}
              >
                {connectionWays.map((one) => (
                  <option key={one} value={one}>
                    {t(`wayOf.${one}`, { lms: lms.name })}
                  </option>
                ))}
              </Select>
            </Field>
          )}
          {lms === undefined && draft === undefined && data.systems.length > 1 && (
            <Field label={t('system')}>
              <Select
                value={chosen}
                onChange={(event) => {
                  setChosen(event.target.value);
                  setLeft([]);
                }}
              >
                {data.systems.map(({ id, name, product }) => (
                  <option key={id} value={id}>
                    {name} · {product}
                  </option>
                ))}
              </Select>
            </Field>
          )}
          <fieldset className="grid gap-1">
            <legend className="mb-1 font-semibold">
              {lms === undefined ? t('scopes') : t('scopesOfLms', { lms: lms.name })}
            </legend>
            {askable.map((scope) => {
              const isIn = !left.includes(scope);
              return (
                <div key={scope} className="grid gap-x-6 sm:grid-cols-[minmax(0,1fr)_auto]">
                  <Checkbox
                    label={<span className="inline-block first-letter:uppercase">{words(`scope.${scope}`)}</span>}
                    hint={words(`scopeDetail.${scope}`)}
                    checked={isIn}
                    onChange={(event) =>
                      setLeft(event.target.checked ? left.filter((other) => other !== scope) : [...left, scope])
                    }
                  />
                  {isIn && (
                    <Checkbox
                      className="text-ink-2 text-sm max-sm:pl-[30px]"
                      label={t('optional')}
                      checked={optional.includes(scope)}
                      onChange={(event) =>
                        setOptional(
                          event.target.checked ? [...optional, scope] : optional.filter((other) => other !== scope),
                        )
                      }
                    />
                  )}
                </div>
              );
            })}
            {lms === undefined && system.kind === 'sis' && (
              <div className="mt-2 grid gap-1 rounded-control bg-sunken px-3 py-2.5">
                {notAskable.map((scope) => (
                  <Checkbox
                    key={scope}
                    className="text-ink-2"
                    label={<span className="inline-block first-letter:uppercase">{words(`scope.${scope}`)}</span>}
                    disabled
                    checked={false}
                    readOnly
                  />
                ))}
                <p className="text-ink-2 text-sm">{t('people')}</p>
              </div>
            )}
            {problems.scopes !== undefined && (
              <p role="alert" className="font-semibold text-fail text-sm">
                {problems.scopes}
              </p>
            )}
          </fieldset>
          <Field label={t('purpose')} hint={t('purposeHint')} error={problems.purpose}>
            <Textarea value={purpose} maxLength={1000} onChange={(event) => setPurpose(event.target.value)} />
          </Field>
          <Field label={t('until')} hint={t('untilHint')} error={problems.until}>
            <Input type="date" className="max-w-56" value={until} onChange={(event) => setUntil(event.target.value)} />
          </Field>
        </Card>
        <ErrorNotice error={error} />
        <div className="flex flex-wrap gap-2">
          <Button type="submit" variant="primary" pending={pending}>
            {t('send')}
          </Button>
          {draft?.state !== 'requested' && (
            <Button pending={pending} onClick={(event) => submit(event, false)}>
              {t('save')}
            </Button>
          )}
        </div>
      </form>
    </>
  );
}
