import type { CourseRecord, SetAside, SetAsideReason } from '#server/connectors/contract.ts';
import type { Deviations } from '#server/connectors/exchange/deviations.ts';
import { sourceIdOf, textOf } from '#server/connectors/exchange/foreign-text.ts';
import type { Names } from './client.ts';
import { courseSchema } from './wire.ts';

export type MappedCourse =
  | { readonly record: CourseRecord & { readonly modifiedAt: Date | null; readonly deleted: boolean } }
  | { readonly setAside: SetAside };

const aside = (sourceId: string | null, field: string | null, reason: SetAsideReason) => ({
  setAside: { sourceId, field, reason },
});

/** A Canvas course in our words. Pure; takes any value and never throws. */
export function courseOf(value: unknown, names: Names, deviations: Deviations): MappedCourse {
  const parsed = courseSchema.safeParse(value);
  if (!parsed.success) return aside(null, null, 'not-an-object');
  const raw = parsed.data;
  const id = sourceIdOf(raw.id, deviations);
  if ('problem' in id) return aside(null, 'id', id.problem);
  const code = textOf(raw.course_code, deviations);
  const name = textOf(raw.name, deviations) ?? code;
  if (name === null) return aside(id.id, 'name', 'name-missing');
  // The field is absent, not null, where the person may not read SIS data.
  if (raw.sis_course_id === undefined) deviations.note('sis-id-not-visible');
  const state = textOf(raw.workflow_state, deviations);
  const nameIn = (map: ReadonlyMap<string, string>, of: unknown) => {
    const key = sourceIdOf(of, deviations);
    return 'id' in key ? textOf(map.get(key.id) ?? null, deviations) : null;
  };
  return {
    record: {
      sourceId: id.id,
      name,
      code,
      sisId: textOf(raw.sis_course_id, deviations),
      state,
      termName: nameIn(names.terms, raw.enrollment_term_id),
      accountName: nameIn(names.accounts, raw.account_id),
      // Canvas says when a course was made, not when it was changed.
      modifiedAt: null,
      deleted: state === 'deleted',
    },
  };
}
