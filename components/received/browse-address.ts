/** What the address of the data page says: which collection, filtered and sorted how. Read by server and browser alike. */

export const shownCollections = ['subjects', 'streams', 'groups', 'courses'] as const;
export type ShownCollection = (typeof shownCollections)[number];

export const sortsOf = {
  subjects: ['title', 'code', 'lastSeen'],
  streams: ['name', 'programme', 'level', 'year', 'lastSeen'],
  groups: ['title', 'subject', 'stream', 'site', 'lastSeen'],
  courses: ['name', 'code', 'sisId', 'term', 'lastSeen'],
} as const;

const statuses = ['here', 'missing', 'gone'] as const;

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
  const page = Number(parameters.get('page') ?? '1');
  const common = {
    schoolId,
    ...(systemId !== null && isId(systemId) ? { systemId } : {}),
    search: text('search') ?? '',
    status: oneOf(statuses, parameters.get('status')) ?? 'here',
    descending: parameters.get('order') === 'desc',
    page: Number.isInteger(page) && page >= 1 && page <= 1_000_000 ? page : 1,
  };
  const sort = parameters.get('sort');
  return {
    collection,
    common,
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
