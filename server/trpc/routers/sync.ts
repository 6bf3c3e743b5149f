import { agentSyncProgress } from '#server/features/sync/agent-sync-progress.ts';
import { applyHeldRun } from '#server/features/sync/apply-held-run.ts';
import { discardHeldRun } from '#server/features/sync/discard-held-run.ts';
import { exportSetAside } from '#server/features/sync/export-set-aside.ts';
import { listCalls } from '#server/features/sync/list-calls.ts';
import { listRunChanges } from '#server/features/sync/list-run-changes.ts';
import { listRuns } from '#server/features/sync/list-runs.ts';
import { listSetAside } from '#server/features/sync/list-set-aside.ts';
import { requestSync } from '#server/features/sync/request-sync.ts';
import { runDetail } from '#server/features/sync/run-detail.ts';
import { syncProgress } from '#server/features/sync/sync-progress.ts';
import { undoSyncRun } from '#server/features/sync/undo-run.ts';
import { mutation, query, router } from '../init.ts';

export const syncRouter = router({
  request: mutation(requestSync),
  progress: query(syncProgress),
  agentProgress: query(agentSyncProgress),
  runs: query(listRuns),
  run: query(runDetail),
  changes: query(listRunChanges),
  setAside: query(listSetAside),
  exportSetAside: mutation(exportSetAside),
  applyHeld: mutation(applyHeldRun),
  discardHeld: mutation(discardHeldRun),
  undoRun: mutation(undoSyncRun),
  calls: query(listCalls),
});
