'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { Dialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { chosenRoles, RoleFields, type RoleLimits } from './role-fields.tsx';

export type SchoolMember = Outputs['people']['listSchoolMembers']['members'][number];

/** Which roles a member of the school has from now on. */
export function ChangeRolesDialog({
  schoolId,
  member,
  limits,
  own,
}: {
  schoolId: string;
  member: SchoolMember;
  limits: RoleLimits;
  /** The reader changes his own. */
  own: boolean;
}) {
  const t = useTranslations('schoolPeople');
  const common = useTranslations('common');
  const trpc = useTRPC();
  const queries = useQueryClient();
  const router = useRouter();
  const [open, setOpen] = useState(false);
  const [missing, setMissing] = useState(false);
  const { name, memberships } = member;
  const change = useMutation(
    trpc.people.changeSchoolRoles.mutationOptions({
      onSuccess: async () => {
        await queries.invalidateQueries({ queryKey: trpc.people.pathKey() });
        setOpen(false);
        toast.success(t('change.saved', { name }));
        if (own) router.refresh();
      },
    }),
  );
  const systemIds = new Set(
    memberships.filter(({ role }) => role === 'approver' || role === 'technical-contact').map((one) => one.systemId),
  );
  const siteIds = new Set(memberships.filter(({ role }) => role === 'approver').map((one) => one.siteId));
  const only = (ids: ReadonlySet<string | null>) => (ids.size === 1 ? ([...ids][0] ?? null) : null);
  return (
    <Dialog
      trigger={
        <Button size="small" aria-label={t('change.buttonThis', { name })}>
          {t('change.button')}
        </Button>
      }
      title={t('change.title', { name })}
      description={t('change.lead')}
      open={open}
      onOpenChange={(next) => {
        setOpen(next);
        setMissing(false);
        change.reset();
      }}
    >
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          const chosen = chosenRoles(new FormData(event.currentTarget));
          setMissing(chosen.roles.length === 0);
          if (chosen.roles.length > 0) change.mutate({ schoolId, userId: member.userId, ...chosen });
        }}
      >
        {own && <p className="text-ink-2">{t('change.own')}</p>}
        {(systemIds.size > 1 || siteIds.size > 1) && <p className="font-semibold">{t('mixedLimits')}</p>}
        <RoleFields
          limits={limits}
          missing={missing}
          initial={{
            roles: schoolRoles.filter((role) => memberships.some((one) => one.role === role)),
            systemId: only(systemIds),
            siteId: only(siteIds),
          }}
        />
        <ErrorNotice error={change.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={() => setOpen(false)}>{common('cancel')}</Button>
          <Button type="submit" variant="primary" pending={change.isPending}>
            {t('change.save')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
