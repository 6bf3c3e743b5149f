import type { StreamHint } from '#server/connectors/contract.ts';

export interface DerivedStream {
  /** Steady across runs: made of programme, level and year alone. */
  readonly sourceId: string;
  readonly name: string;
  readonly code: string | null;
  readonly programme: string | null;
  readonly level: string | null;
  readonly year: string | null;
  readonly derivedFrom: StreamHint['from'] | 'school-list';
}

const fold = (text: string | null) =>
  (text ?? '')
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[\s_-]+/g, ' ')
    .trim();

/** From the surest source to the weakest. */
const rank: Record<StreamHint['from'], number> = {
  metadata: 0,
  'student-programme': 0,
  'class-grades': 1,
  'student-grades': 1,
  'course-grades': 2,
};

/**
 * The stream that a class (or a student) and its course tell of: programme × level × year, a class's own word before its course's,
 * metadata before grades. Null: they tell of none. Pure.
 */
export function streamOfHints(own: StreamHint | null, ofSubject: StreamHint | null): DerivedStream | null {
  const hint = merge(told(own), told(ofSubject));
  const sourceId = hint === null ? null : idOf(hint);
  return hint === null || sourceId === null ? null : streamOf(sourceId, hint);
}

/** A hint whose blanks say nothing. */
function told(hint: StreamHint | null): StreamHint | null {
  if (hint === null) return null;
  const text = (value: string | null) => (fold(value) === '' ? null : value);
  return {
    code: text(hint.code),
    name: text(hint.name),
    programme: text(hint.programme),
    level: text(hint.level),
    year: text(hint.year),
    from: hint.from,
  };
}

/** Metadata of either before grades of either; within that the class before the course. */
function merge(group: StreamHint | null, subject: StreamHint | null): StreamHint | null {
  if (group === null || subject === null) return group ?? subject;
  const [first, second] = rank[subject.from] < rank[group.from] ? [subject, group] : [group, subject];
  return {
    code: first.code ?? second.code,
    name: first.name ?? second.name,
    programme: first.programme ?? second.programme,
    level: first.level ?? second.level,
    year: first.year ?? second.year,
    from: first.from,
  };
}

function idOf({ programme, level, year, code, name }: StreamHint): string | null {
  const parts = [programme, level, year].map(fold);
  if (parts.some((part) => part !== '')) return `stream:${parts.join('|')}`;
  const only = fold(code ?? name);
  return only === '' ? null : `stream:code:${only}`;
}

function streamOf(sourceId: string, hint: StreamHint): DerivedStream {
  const { code, programme, level, year } = hint;
  const composed = [programme, year, level].filter((part) => part !== null).join(' ');
  return {
    sourceId,
    name: hint.name ?? (composed === '' ? (code ?? sourceId) : composed),
    code,
    programme,
    level,
    year,
    derivedFrom: hint.from,
  };
}

/**
 * One of two tellings of the same stream: the surer, then the one that says more, then by spelling, so that the order in which they are
 * read does not matter. Pure.
 */
export function betterTelling(a: DerivedStream, b: DerivedStream): DerivedStream {
  const weight = (stream: DerivedStream) => [
    stream.derivedFrom === 'school-list' ? 0 : rank[stream.derivedFrom],
    stream.code === null ? 1 : 0,
  ];
  const [wa, wb] = [weight(a), weight(b)];
  for (const [index, value] of wa.entries()) {
    const other = wb[index] ?? 0;
    if (value !== other) return value < other ? a : b;
  }
  return spelling(a) <= spelling(b) ? a : b;
}

const spelling = (stream: DerivedStream) =>
  [stream.code, stream.name, stream.programme, stream.level, stream.year, stream.derivedFrom].join('\u0000');
