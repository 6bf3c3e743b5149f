import type { RecordOf } from '#server/connectors/contract.ts';
import type { Read } from './questions.ts';

type AnyRecord = RecordOf[Read];

/** A record as a preview shows it: what names no person as it is, people by their initials, of demographics that there are some. */
export function masked(record: AnyRecord): Record<string, string> {
  if ('birthDate' in record) {
    const { birthDate, sex, cityOfBirth, races } = record;
    return {
      ...(birthDate === null ? {} : { birthDate: hidden }),
      ...(sex === null ? {} : { sex: hidden }),
      ...(cityOfBirth === null ? {} : { cityOfBirth: hidden }),
      ...(races.length === 0 ? {} : { races: hidden }),
    };
  }
  if ('isPrimary' in record) return { role: record.role ?? hidden };
  if ('userIds' in record) {
    const initials = [record.givenName, record.familyName].map(initialOf).filter((initial) => initial !== '');
    return {
      name: initials.join(' ') || hidden,
      ...(record.grades.length === 0 ? {} : { grades: record.grades.join(', ') }),
    };
  }
  return {
    name: 'title' in record ? record.title : record.name,
    ...('courseCode' in record && record.courseCode !== null ? { code: record.courseCode } : {}),
    ...('code' in record && record.code !== null ? { code: record.code } : {}),
    ...('startsOn' in record ? { from: record.startsOn, until: record.endsOn } : {}),
    ...('grades' in record && record.grades.length > 0 ? { grades: record.grades.join(', ') } : {}),
  };
}

const hidden = '•••';

/** The first letter with what belongs to it: an accent, the second half of a pair. */
function initialOf(name: string | null): string {
  const [first] = new Intl.Segmenter('und', { granularity: 'grapheme' }).segment(name ?? '');
  return first === undefined ? '' : `${first.segment.toUpperCase()}.`;
}
