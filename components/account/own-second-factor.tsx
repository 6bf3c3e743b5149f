'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { type FormEvent, useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { Dialog } from '#components/ui/dialog.tsx';
import { useErrorText } from '#components/ui/error-notice.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import { CodeField } from './code-field.tsx';
import { RecoveryCodes } from './recovery-codes.tsx';
import { SecondFactorSetUp } from './second-factor-set-up.tsx';
import { useMe } from './use-me.ts';

export function OwnSecondFactor() {
  const t = useTranslations('people.account');
  const me = useMe();
  const [settingUp, setSettingUp] = useState(false);
  if (me === null) return null;
  const { hasSecondFactor, secondFactorRequired } = me.account;
  return (
    <Section
      title={t('secondFactorTitle')}
      action={<StateBadge look={hasSecondFactor ? 'live' : 'rest'}>{t(hasSecondFactor ? 'on' : 'off')}</StateBadge>}
    >
      {!hasSecondFactor &&
        (settingUp ? (
          <SecondFactorSetUp next="/account" />
        ) : (
          <>
            <p className="text-ink-2">{t('secondFactorWhy')}</p>
            <div>
              <Button onClick={() => setSettingUp(true)}>{t('secondFactorSetUp')}</Button>
            </div>
          </>
        ))}
      {hasSecondFactor && (
        <>
          <p className="text-ink-2">{t(secondFactorRequired ? 'secondFactorRequired' : 'secondFactorOn')}</p>
          <div className="flex flex-wrap gap-2">
            <RenewCodes />
            {!secondFactorRequired && <RemoveFactor />}
          </div>
        </>
      )}
    </Section>
  );
}

function RenewCodes() {
  const t = useTranslations('people.account');
  const trpc = useTRPC();
  const errorText = useErrorText();
  const [open, setOpen] = useState(false);
  const [code, setCode] = useState('');
  const renew = useMutation(trpc.people.renewRecoveryCodes.mutationOptions());
  const close = (wanted: boolean) => {
    setOpen(wanted);
    setCode('');
    renew.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    renew.mutate({ code });
  };
  return (
    <Dialog
      trigger={<Button>{t('renewCodes')}</Button>}
      title={t('renewCodes')}
      description={t('renewCodesWhat')}
      open={open}
      onOpenChange={close}
    >
      {renew.data === undefined ? (
        <form onSubmit={submit} className="grid gap-4">
          <CodeField
            value={code}
            onChange={setCode}
            error={renew.error === null ? undefined : errorText(renew.error)}
          />
          <div>
            <Button type="submit" variant="primary" pending={renew.isPending}>
              {t('renewCodes')}
            </Button>
          </div>
        </form>
      ) : (
        <RecoveryCodes codes={renew.data.recoveryCodes} onKept={() => close(false)} />
      )}
    </Dialog>
  );
}

function RemoveFactor() {
  const t = useTranslations('people.account');
  const trpc = useTRPC();
  const queries = useQueryClient();
  const errorText = useErrorText();
  const [open, setOpen] = useState(false);
  const [code, setCode] = useState('');
  const remove = useMutation(
    trpc.people.removeTotp.mutationOptions({
      onSuccess: async () => {
        toast.success(t('secondFactorRemoved'));
        setOpen(false);
        await queries.invalidateQueries({ queryKey: trpc.people.whoAmI.queryKey() });
      },
    }),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    remove.mutate({ code });
  };
  return (
    <Dialog
      trigger={<Button variant="danger">{t('removeFactor')}</Button>}
      title={t('removeFactor')}
      description={t('removeFactorWhat')}
      open={open}
      onOpenChange={setOpen}
    >
      <form onSubmit={submit} className="grid gap-4">
        <CodeField
          value={code}
          onChange={setCode}
          error={remove.error === null ? undefined : errorText(remove.error)}
        />
        <div>
          <Button type="submit" variant="danger" pending={remove.isPending}>
            {t('removeFactor')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
