'use client';

import { useMutation } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useId, useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { Dialog } from '#components/ui/dialog.tsx';
import { ErrorNotice, shownError } from '#components/ui/error-notice.tsx';
import { Facts } from '#components/ui/facts.tsx';
import { Field } from '#components/ui/field.tsx';
import { Textarea } from '#components/ui/input.tsx';
import { Day, useAgo } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import type { Choice, Decision } from './decision.ts';
import { nameInSentence } from './name-in-sentence.ts';

interface AsideProps {
  readonly schoolId: string;
  readonly decision: Decision;
  readonly choice: Choice;
  /** What the approver has seen: his decision names it. */
  readonly fingerprint: string;
  readonly changed: boolean;
  /** "SIS" or "LMS". */
  readonly kind: string;
  readonly onDecided: () => Promise<unknown>;
}

/** Term, agreement and both sides' word, and the two buttons. */
export function DecisionAside({ schoolId, decision, choice, fingerprint, changed, onDecided }: AsideProps) {
  const trpc = useTRPC();
  const t = useTranslations('decision');
  const errors = useTranslations('errors');
  const ago = useAgo();
  const reasonId = useId();
  const { reach, blockedBy, agreement, asksForHostConfirmation } = decision;
  const asker = nameInSentence(t(`consumerIn.${decision.consumer}`), decision.consumerName);
  const open = decision.state === 'requested';
  /** A decision that met another one: the page is read again and shows what stands there now. */
  const onError = (error: unknown) => {
    const { code } = shownError(error);
    if (code === 'changed-meanwhile' || code === 'already-decided') void onDecided();
  };
  const approve = useMutation(
    trpc.connections.approveRequest.mutationOptions({
      onError,
      onSuccess: async ({ connects }) => {
        await onDecided();
        toast.success(t('over.done', { next: connects ? t('over.nextSync') : t('over.nextCredential') }));
      },
    }),
  );
  const hindered =
    blockedBy !== null
      ? errors.has(blockedBy)
        ? errors(blockedBy)
        : t('aside.blocked')
      : asksForHostConfirmation && !choice.hostConfirmed
        ? t('host.mustConfirm')
        : reach?.kind === 'sites' && choice.sites.length === 0
          ? t('sites.mustChoose')
          : changed
            ? t('changed.title')
            : null;
  const release = () =>
    approve.mutate({
      schoolId,
      requestId: decision.requestId,
      fingerprint,
      sites: [...choice.sites],
      withoutScopes: [...choice.withoutScopes],
      withoutFields: choice.withoutFields.filter(
        (field) => !choice.withoutScopes.some((scope) => field.startsWith(`${scope}:`)),
      ),
      streams: [...choice.streams],
      subjects: [...choice.subjects],
      confirmedOrigins: asksForHostConfirmation && choice.hostConfirmed ? [...decision.system.origins] : undefined,
    });
  return (
    <Card className="grid gap-4 lg:sticky lg:top-5">
      {open && reach !== null && (
        <div className="grid gap-2.5">
          <Button
            variant="primary"
            className="h-auto min-h-11 whitespace-normal"
            pending={approve.isPending}
            disabled={hindered !== null}
            aria-describedby={hindered === null ? undefined : reasonId}
            onClick={release}
          >
            {decision.kind === 'open' ? t('aside.release', { asker }) : t('aside.releaseChange')}
          </Button>
          {hindered !== null && (
            <p id={reasonId} className="text-ink-2 text-sm">
              {hindered}
            </p>
          )}
          {reach.kind === 'all' && (
            <Decline schoolId={schoolId} decision={decision} fingerprint={fingerprint} onDecided={onDecided} />
          )}
          <ErrorNotice error={approve.error} />
        </div>
      )}
      {open && reach === null && <p className="text-ink-2">{t('aside.onlyApprover')}</p>}
      <Facts
        items={[
          [t('aside.until'), t.rich('aside.untilValue', { day: () => <Day key="day" on={decision.until} /> })],
          [
            t('aside.agreement'),
            agreement === null
              ? null
              : agreement.state === 'in-force' || agreement.state === 'notice-given'
                ? t.rich('aside.agreementValue', {
                    day: () => <Day key="day" on={agreement.endsOn ?? agreement.termEnd} />,
                  })
                : t('aside.agreementOther'),
          ],
          [t('aside.product'), decision.product],
          [t('aside.reads'), t(decision.system.wayOfPackages === null ? 'aside.readsValue' : 'aside.readsPackages')],
          [t('aside.keeps'), t('aside.keepsValue')],
        ]}
      />
      <div className="grid gap-2 rounded-control bg-sunken px-3.5 py-3">
        <h2 className="text-sm">{t('aside.consents')}</h2>
        {decision.consents.map((consent) => (
          <div key={`${consent.side}-${consent.at.toISOString()}`}>
            <StateBadge look={consent.status === 'accepted' ? 'live' : 'rest'} className="whitespace-normal">
              {t(
                consent.status === 'accepted'
                  ? 'aside.agreed'
                  : consent.status === 'declined'
                    ? 'aside.declined'
                    : 'aside.revoked',
                { organisation: consent.byOrganisationName },
              )}
            </StateBadge>
            <span className="block pl-[18px] text-ink-2 text-sm">
              {t('aside.by', { name: consent.byName, when: ago(consent.at) })}
            </span>
          </div>
        ))}
        {open && (
          <StateBadge look="wait" className="whitespace-normal">
            {t(reach === null ? 'aside.theirDecision' : 'aside.yourDecision', { school: decision.school.name })}
          </StateBadge>
        )}
      </div>
    </Card>
  );
}

function Decline({
  schoolId,
  decision,
  fingerprint,
  onDecided,
}: Pick<AsideProps, 'schoolId' | 'decision' | 'fingerprint' | 'onDecided'>) {
  const trpc = useTRPC();
  const t = useTranslations('decision');
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  const [short, setShort] = useState(false);
  const asker = nameInSentence(t(`consumer.${decision.consumer}`), decision.consumerName);
  const decline = useMutation(
    trpc.connections.declineRequest.mutationOptions({
      onSuccess: async () => {
        setOpen(false);
        await onDecided();
        toast.success(t('over.declinedDone', { asker }));
      },
      onError: (error) => {
        const { code } = shownError(error);
        if (code === 'changed-meanwhile' || code === 'already-decided') void onDecided();
      },
    }),
  );
  return (
    <Dialog
      open={open}
      onOpenChange={setOpen}
      trigger={<Button>{t('aside.decline')}</Button>}
      title={t('decline.title', { asker: nameInSentence(t(`consumerIn.${decision.consumer}`), decision.consumerName) })}
      description={t('decline.description', { asker })}
    >
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (reason.trim().length < 3) {
            setShort(true);
            return;
          }
          decline.mutate({ schoolId, requestId: decision.requestId, fingerprint, reason });
        }}
      >
        <Field
          label={t('decline.reason')}
          hint={t('decline.reasonHint', { asker })}
          error={short ? t('decline.reasonShort') : undefined}
        >
          <Textarea
            value={reason}
            maxLength={1000}
            onChange={(event) => {
              setReason(event.target.value);
              setShort(false);
            }}
          />
        </Field>
        <ErrorNotice error={decline.error} />
        <div className="flex justify-end">
          <Button type="submit" variant="danger" pending={decline.isPending}>
            {t('decline.confirm')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
