import { acceptInvitation } from '#server/features/people/accept-invitation.ts';
import { beginTotp } from '#server/features/people/begin-totp.ts';
import { changeAgentRoles } from '#server/features/people/change-agent-roles.ts';
import { changePassword } from '#server/features/people/change-password.ts';
import { changeSchoolRoles } from '#server/features/people/change-school-roles.ts';
import { completeRecovery } from '#server/features/people/complete-recovery.ts';
import { confirmTotp } from '#server/features/people/confirm-totp.ts';
import { endOperatorMembership } from '#server/features/people/end-operator-membership.ts';
import { giveSecondFactor } from '#server/features/people/give-second-factor.ts';
import { inviteAgentMember } from '#server/features/people/invite-agent-member.ts';
import { inviteOperator } from '#server/features/people/invite-operator.ts';
import { inviteSchoolMember } from '#server/features/people/invite-school-member.ts';
import { leaveOrganisation } from '#server/features/people/leave-organisation.ts';
import { listAgentMembers } from '#server/features/people/list-agent-members.ts';
import { listOperators } from '#server/features/people/list-operators.ts';
import { listRecoveries } from '#server/features/people/list-recoveries.ts';
import { listRoleLimits } from '#server/features/people/list-role-limits.ts';
import { listSchoolMembers } from '#server/features/people/list-school-members.ts';
import { listSessions } from '#server/features/people/list-sessions.ts';
import { removeTotp } from '#server/features/people/remove-totp.ts';
import { renameSelf } from '#server/features/people/rename-self.ts';
import { renewRecoveryCodes } from '#server/features/people/renew-recovery-codes.ts';
import { requireAgentSecondFactor } from '#server/features/people/require-agent-second-factor.ts';
import { requireOperatorSecondFactor } from '#server/features/people/require-operator-second-factor.ts';
import { requireSchoolSecondFactor } from '#server/features/people/require-school-second-factor.ts';
import { resetPassword } from '#server/features/people/reset-password.ts';
import { revokeOtherSessions } from '#server/features/people/revoke-other-sessions.ts';
import { revokeSession } from '#server/features/people/revoke-session.ts';
import { signOut } from '#server/features/people/sign-out.ts';
import { startRecovery } from '#server/features/people/start-recovery.ts';
import { stopRecovery } from '#server/features/people/stop-recovery.ts';
import { unlinkIdentity } from '#server/features/people/unlink-identity.ts';
import { viewInvitation } from '#server/features/people/view-invitation.ts';
import { viewPasswordReset } from '#server/features/people/view-password-reset.ts';
import { whoAmI } from '#server/features/people/who-am-i.ts';
import { withdrawAgentInvitation } from '#server/features/people/withdraw-agent-invitation.ts';
import { withdrawOperatorInvitation } from '#server/features/people/withdraw-operator-invitation.ts';
import { withdrawSchoolInvitation } from '#server/features/people/withdraw-school-invitation.ts';
import { mutation, query, router } from '../init.ts';

export const peopleRouter = router({
  whoAmI: query(whoAmI),
  renameSelf: mutation(renameSelf),
  giveSecondFactor: mutation(giveSecondFactor),
  beginTotp: mutation(beginTotp),
  confirmTotp: mutation(confirmTotp),
  removeTotp: mutation(removeTotp),
  renewRecoveryCodes: mutation(renewRecoveryCodes),
  signOut: mutation(signOut),
  listSessions: query(listSessions),
  revokeSession: mutation(revokeSession),
  revokeOtherSessions: mutation(revokeOtherSessions),
  changePassword: mutation(changePassword),
  viewPasswordReset: query(viewPasswordReset),
  resetPassword: mutation(resetPassword),
  unlinkIdentity: mutation(unlinkIdentity),
  viewInvitation: query(viewInvitation),
  acceptInvitation: mutation(acceptInvitation),
  leaveOrganisation: mutation(leaveOrganisation),
  listSchoolMembers: query(listSchoolMembers),
  listRoleLimits: query(listRoleLimits),
  inviteSchoolMember: mutation(inviteSchoolMember),
  withdrawSchoolInvitation: mutation(withdrawSchoolInvitation),
  changeSchoolRoles: mutation(changeSchoolRoles),
  requireSchoolSecondFactor: mutation(requireSchoolSecondFactor),
  listAgentMembers: query(listAgentMembers),
  inviteAgentMember: mutation(inviteAgentMember),
  withdrawAgentInvitation: mutation(withdrawAgentInvitation),
  changeAgentRoles: mutation(changeAgentRoles),
  requireAgentSecondFactor: mutation(requireAgentSecondFactor),
  listOperators: query(listOperators),
  inviteOperator: mutation(inviteOperator),
  withdrawOperatorInvitation: mutation(withdrawOperatorInvitation),
  endOperatorMembership: mutation(endOperatorMembership),
  requireOperatorSecondFactor: mutation(requireOperatorSecondFactor),
  listRecoveries: query(listRecoveries),
  startRecovery: mutation(startRecovery),
  stopRecovery: mutation(stopRecovery),
  completeRecovery: mutation(completeRecovery),
});
