'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import type { SchoolMember } from './change-roles-dialog.tsx';

/** A school administrator ends what somebody else may do here. */
export function EndMembership({
  schoolId,
  schoolName,
  member,
}: {
  schoolId: string;
  schoolName: string;
  member: SchoolMember;
}) {
  const t = useTranslations('schoolPeople.end');
  const trpc = useTRPC();
  const queries = useQueryClient();
  const { name, userId } = member;
  const end = useMutation(
    trpc.people.changeSchoolRoles.mutationOptions({
      onSuccess: async () => {
        await queries.invalidateQueries({ queryKey: trpc.people.listSchoolMembers.queryKey({ schoolId }) });
        toast.success(t('ended', { name }));
      },
    }),
  );
  return (
    <ConfirmDialog
      trigger={
        <Button size="small" aria-label={t('buttonThis', { name })}>
          {t('button')}
        </Button>
      }
      title={t('title', { name })}
      description={t('what', { name, school: schoolName })}
      confirm={t('confirm')}
      onConfirm={() => end.mutateAsync({ schoolId, userId, roles: [] })}
    >
      <ErrorNotice error={end.error} />
    </ConfirmDialog>
  );
}

/** The reader's own way out. */
export function LeaveSchool({ schoolId, schoolName }: { schoolId: string; schoolName: string }) {
  const t = useTranslations('schoolPeople.leave');
  const trpc = useTRPC();
  const leave = useMutation(
    trpc.people.leaveOrganisation.mutationOptions({
      // Nothing of this school may be shown any more: everything is read anew.
      onSuccess: () => window.location.assign('/start'),
    }),
  );
  return (
    <ConfirmDialog
      trigger={
        <Button size="small" aria-label={t('buttonThis', { school: schoolName })}>
          {t('button')}
        </Button>
      }
      title={t('title', { school: schoolName })}
      description={t('what')}
      confirm={t('confirm')}
      onConfirm={() => leave.mutateAsync({ organisationId: schoolId })}
    >
      <ErrorNotice error={leave.error} />
    </ConfirmDialog>
  );
}
