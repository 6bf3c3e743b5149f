import type { ObjectName } from './fields.ts';
import type { EndpointScope } from './versions.ts';

/** What a nested list is within: `schools/{id}/classes` gives the classes of a school. */
export type Parent = 'school' | 'term' | 'course' | 'class' | 'user' | 'student' | 'teacher';

/** The part of a collection that an endpoint is about, by type of the org or session, or by role. */
export type Part = 'school' | 'term' | 'gradingPeriod' | 'student' | 'teacher';

interface Shape {
  readonly object: ObjectName;
  readonly part: Part | null;
  /** The key around the answer. */
  readonly envelope: string;
  readonly scope: EndpointScope;
  readonly parents: readonly Parent[];
}

/** What a path asks for. */
export interface Endpoint extends Shape {
  /** As it is written down: ids left out. */
  readonly pattern: string;
  /** One object; null: a list. */
  readonly id: string | null;
  readonly parentIds: readonly string[];
}

const collections = {
  academicSessions: ['academicSession', null],
  terms: ['academicSession', 'term'],
  gradingPeriods: ['academicSession', 'gradingPeriod'],
  orgs: ['org', null],
  schools: ['org', 'school'],
  courses: ['course', null],
  classes: ['class', null],
  users: ['user', null],
  students: ['user', 'student'],
  teachers: ['user', 'teacher'],
  enrollments: ['enrollment', null],
  demographics: ['demographics', null],
} as const satisfies Record<string, readonly [ObjectName, Part | null]>;
type CollectionName = keyof typeof collections;

const envelopes: Readonly<Record<ObjectName, { readonly list: string; readonly one: string }>> = {
  academicSession: { list: 'academicSessions', one: 'academicSession' },
  org: { list: 'orgs', one: 'org' },
  course: { list: 'courses', one: 'course' },
  class: { list: 'classes', one: 'class' },
  user: { list: 'users', one: 'user' },
  enrollment: { list: 'enrollments', one: 'enrollment' },
  // The same word for the list and the object (reference §3).
  demographics: { list: 'demographics', one: 'demographics' },
};

const nested: readonly (readonly [readonly Parent[], readonly CollectionName[]])[] = [
  [['term'], ['classes', 'gradingPeriods']],
  [['school'], ['classes', 'courses', 'enrollments', 'students', 'teachers', 'terms']],
  [
    ['school', 'class'],
    ['enrollments', 'students', 'teachers'],
  ],
  [['course'], ['classes']],
  [['class'], ['students', 'teachers']],
  [['user'], ['classes']],
  [['student'], ['classes']],
  [['teacher'], ['classes']],
];

const segmentOf: Readonly<Record<Parent, CollectionName>> = {
  school: 'schools',
  term: 'terms',
  course: 'courses',
  class: 'classes',
  user: 'users',
  student: 'students',
  teacher: 'teachers',
};

const isCollection = (name: string | undefined): name is CollectionName =>
  name !== undefined && Object.hasOwn(collections, name);

function shapeOf(name: CollectionName, parents: readonly Parent[], isOne: boolean): Shape {
  const [object, part] = collections[name];
  const scope = object === 'demographics' ? 'demographics' : parents.length > 0 ? 'nested' : 'core';
  return { object, part, envelope: envelopes[object][isOne ? 'one' : 'list'], scope, parents };
}

/** Finds what a path below the base asks for; null where the standard has no such endpoint (the same ones in 1.1 and 1.2). Pure. */
export function endpointOf(segments: readonly string[]): Endpoint | null {
  const [first, id, ...rest] = segments;
  if (!isCollection(first)) return null;
  if (rest.length === 0) {
    const isOne = id !== undefined;
    return {
      ...shapeOf(first, [], isOne),
      pattern: isOne ? `/${first}/{id}` : `/${first}`,
      id: id ?? null,
      parentIds: [],
    };
  }
  for (const [parents, names] of nested) {
    const name = names.find((one) => one === segments.at(-1));
    const isHere =
      segments.length === parents.length * 2 + 1 &&
      parents.every((parent, index) => segments[index * 2] === segmentOf[parent]);
    if (name === undefined || !isHere) continue;
    return {
      ...shapeOf(name, parents, false),
      pattern: `${parents.map((parent) => `/${segmentOf[parent]}/{id}`).join('')}/${name}`,
      id: null,
      parentIds: parents.map((_, index) => segments[index * 2 + 1] ?? ''),
    };
  }
  return null;
}

/** Every endpoint, as it is written down. */
export const endpointPatterns: readonly string[] = [
  ...Object.keys(collections).flatMap((name) => [`/${name}`, `/${name}/{id}`]),
  ...nested.flatMap(([parents, names]) =>
    names.map((name) => `${parents.map((parent) => `/${segmentOf[parent]}/{id}`).join('')}/${name}`),
  ),
];
