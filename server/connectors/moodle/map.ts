import type { CourseRecord, SetAside, SetAsideReason } from '#server/connectors/contract.ts';
import type { Deviations } from '#server/connectors/exchange/deviations.ts';
import { sourceIdOf, textOf } from '#server/connectors/exchange/foreign-text.ts';
import { courseSchema } from './wire.ts';

export type MappedCourse =
  | { readonly record: CourseRecord & { readonly modifiedAt: Date | null; readonly deleted: boolean } }
  | { readonly setAside: SetAside };

const aside = (sourceId: string | null, field: string | null, reason: SetAsideReason) => ({
  setAside: { sourceId, field, reason },
});

/** The front page of the site, which Moodle keeps as a course. */
export const siteCourseId = '1';

/** A Moodle course in our words. Pure; takes any value and never throws. */
export function courseOf(value: unknown, deviations: Deviations): MappedCourse {
  const parsed = courseSchema.safeParse(value);
  if (!parsed.success) return aside(null, null, 'not-an-object');
  const raw = parsed.data;
  // Ids are numbers over there: that is no deviation.
  const id = sourceIdOf(typeof raw.id === 'number' ? String(raw.id) : raw.id, deviations);
  if ('problem' in id) return aside(null, 'id', id.problem);
  const code = textOf(raw.shortname, deviations);
  const name = textOf(raw.fullname, deviations) ?? code;
  if (name === null) return aside(id.id, 'fullname', 'name-missing');
  // Left out, not empty, where the token's user may not see the course fully.
  if (raw.idnumber === undefined) deviations.note('sis-id-not-visible');
  return {
    record: {
      sourceId: id.id,
      name,
      code,
      sisId: textOf(raw.idnumber, deviations),
      state: raw.visible === undefined ? null : isTrue(raw.visible) ? 'visible' : 'hidden',
      termName: null,
      accountName: textOf(raw.categoryname, deviations),
      modifiedAt: momentOf(raw.timemodified),
      deleted: false,
    },
  };
}

const isTrue = (value: unknown) => value === 1 || value === true || value === '1';

/** Unix seconds; 0 is none. */
function momentOf(value: unknown): Date | null {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value <= 0 || value > 253_402_300_799) return null;
  return new Date(value * 1000);
}
