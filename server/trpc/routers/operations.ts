import { auditTrail, verifyAuditTrail } from '#server/features/operations/audit-trail.ts';
import { connectionHealth } from '#server/features/operations/connection-health.ts';
import { listJobs } from '#server/features/operations/list-jobs.ts';
import { operatorOverview } from '#server/features/operations/overview.ts';
import {
  exportSchoolAuditTrail,
  schoolAuditTrail,
  verifySchoolAuditTrail,
} from '#server/features/operations/school-audit-trail.ts';
import { mutation, query, router } from '../init.ts';

export const operationsRouter = router({
  auditTrail: query(auditTrail),
  connectionHealth: query(connectionHealth),
  listJobs: query(listJobs),
  overview: query(operatorOverview),
  verifyAuditTrail: query(verifyAuditTrail),
  schoolAuditTrail: query(schoolAuditTrail),
  verifySchoolAuditTrail: query(verifySchoolAuditTrail),
  exportSchoolAuditTrail: mutation(exportSchoolAuditTrail),
});
