import { daysBetween, type LocalDate } from '#server/kernel/local-date.ts';

/** Days before the end at which both sides are reminded, once each. */
export const reminderDays = [7, 30, 90] as const;
export type ReminderDays = (typeof reminderDays)[number];

/**
 * Which reminder stands now: the nearest threshold that the days left have reached. A missed one is not made up for when
 * a nearer one stands. `send` is false where the agreement came into force after that threshold: nobody is reminded of
 * what was just signed.
 */
export function reminderDue(
  today: LocalDate,
  endsOn: LocalDate,
  inForceSince: LocalDate,
): { occasion: `${ReminderDays}-days`; daysLeft: number; send: boolean } | null {
  const daysLeft = daysBetween(today, endsOn);
  if (daysLeft < 0) return null;
  const threshold = reminderDays.find((days) => daysLeft <= days);
  if (threshold === undefined) return null;
  return { occasion: `${threshold}-days`, daysLeft, send: daysBetween(inForceSince, endsOn) > threshold };
}
