import { saveGuardRules } from '#server/features/sync-settings/save-guard-rules.ts';
import { saveQuietDays } from '#server/features/sync-settings/save-quiet-days.ts';
import { saveSchedule } from '#server/features/sync-settings/save-schedule.ts';
import { settingsPage } from '#server/features/sync-settings/settings-page.ts';
import { mutation, query, router } from '../init.ts';

export const syncSettingsRouter = router({
  page: query(settingsPage),
  saveSchedule: mutation(saveSchedule),
  saveQuietDays: mutation(saveQuietDays),
  saveGuardRules: mutation(saveGuardRules),
});
