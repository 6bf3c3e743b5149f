/** What the address of the data page says: which collection, filtered and sorted how. Read by server and browser alike. */

export const shownCollections = [
  'subjects',
  'streams',
  'groups',
  'teachers',
  'students',
  'guardians',
  'others',
  'courses',
] as const;
export type ShownCollection = (typeof shownCollections)[number];

/** Collections of people. What is searched among them stands in no address. */
export const kindOf = { teachers: 'teacher', students: 'student', guardians: 'guardian', others: 'other' } as const;
export type PeopleCollection = keyof typeof kindOf;
export const isPeople = (collection: ShownCollection): collection is PeopleCollection => collection in kindOf;

export const sortsOf = {
  subjects: ['title', 'code'],
  streams: ['name', 'programme', 'level', 'year'],
  groups: ['title', 'subject', 'stream', 'site'],
  courses: ['name', 'code', 'sisId', 'term'],
} as const;

const statuses = ['here', 'missing', 'gone'] as const;
export const peopleStatuses = ['here', 'missing', 'gone', 'withheld'] as const;

interface Parameters {
  get(name: string): string | null;
}

const oneOf = <T extends string>(allowed: readonly T[], value: string | null): T | undefined =>
  allowed.find((candidate) => candidate === value);

const isId = (text: string | null) => text !== null && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

/** An unknown word in the address is as if it were not there. */
export function browseAddress(parameters: Parameters, schoolId: string) {
  const text = (name: string) => {
    const value = parameters.get(name);
    return value === null || value === '' ? undefined : value.slice(0, 200);
  };
  const collection = oneOf(shownCollections, parameters.get('show')) ?? 'subjects';
  const systemId = parameters.get('system');
  const common = {
    schoolId,
    ...(systemId !== null && isId(systemId) ? { systemId } : {}),
    search: text('search') ?? '',
    status: oneOf(statuses, parameters.get('status')) ?? 'here',
    descending: parameters.get('order') === 'desc',
    after: parameters.get('after')?.slice(0, 2_000),
  };
  const sort = parameters.get('sort');
  return {
    collection,
    common,
    people: {
      schoolId,
      ...(isPeople(collection) ? { kind: kindOf[collection] } : {}),
      ...(systemId !== null && isId(systemId) ? { systemId } : {}),
      site: text('site'),
      status: oneOf(peopleStatuses, parameters.get('status')) ?? 'here',
    },
    subjects: { ...common, sort: oneOf(sortsOf.subjects, sort) ?? 'title' },
    streams: { ...common, sort: oneOf(sortsOf.streams, sort) ?? 'name' },
    groups: {
      ...common,
      sort: oneOf(sortsOf.groups, sort) ?? 'title',
      kind: oneOf(['group', 'class'], parameters.get('kind')),
      subject: text('subject'),
      stream: text('stream'),
      site: text('site'),
      term: text('term'),
    },
    courses: {
      ...common,
      sort: oneOf(sortsOf.courses, sort) ?? 'name',
      sisId: oneOf(['with', 'without'], parameters.get('sisId')),
    },
  };
}
