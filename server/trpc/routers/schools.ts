import { addSchool } from '#server/features/schools/add-school.ts';
import { archiveSchoolOfAgent } from '#server/features/schools/archive-school-of-agent.ts';
import { checkRegisterNumber } from '#server/features/schools/check-register-number.ts';
import { confirmRegistration, viewRegistration } from '#server/features/schools/confirm-registration.ts';
import { editSchoolOfAgent } from '#server/features/schools/edit-school-of-agent.ts';
import { importRegister } from '#server/features/schools/import-register.ts';
import { importSchools } from '#server/features/schools/import-schools.ts';
import { listPipeline } from '#server/features/schools/list-pipeline.ts';
import { listSchools } from '#server/features/schools/list-schools.ts';
import { previewSchoolList } from '#server/features/schools/preview-school-list.ts';
import { registerSchool } from '#server/features/schools/register-school.ts';
import { reviewTrust } from '#server/features/schools/review-trust.ts';
import { setRegisterDomain } from '#server/features/schools/set-register-domain.ts';
import { viewSchoolForReview } from '#server/features/schools/view-school-for-review.ts';
import { viewSchoolOfAgent } from '#server/features/schools/view-school-of-agent.ts';
import { mutation, query, router } from '../init.ts';

export const schoolsRouter = router({
  addSchool: mutation(addSchool),
  archiveSchoolOfAgent: mutation(archiveSchoolOfAgent),
  checkRegisterNumber: query(checkRegisterNumber),
  confirmRegistration: mutation(confirmRegistration),
  editSchoolOfAgent: mutation(editSchoolOfAgent),
  importRegister: mutation(importRegister),
  importSchools: mutation(importSchools),
  listPipeline: query(listPipeline),
  listSchools: query(listSchools),
  previewSchoolList: mutation(previewSchoolList),
  registerSchool: mutation(registerSchool),
  reviewTrust: mutation(reviewTrust),
  setRegisterDomain: mutation(setRegisterDomain),
  viewRegistration: query(viewRegistration),
  viewSchoolForReview: query(viewSchoolForReview),
  viewSchoolOfAgent: query(viewSchoolOfAgent),
});
