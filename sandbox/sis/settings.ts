/** Behaviour that differs between SIS, switched for one school. What is true by default is what the standard says. */

import { z } from 'zod';

/** The settings of a school. The faults of `lib/faults.ts` stand beside them: totals, links, page sizes, what the network does. */
export const settingsSchema = z.strictObject({
  /** How 1.1 wants to be asked: a bearer token, an OAuth 1.0a signature, or either. */
  v1p1Authentication: z.enum(['oauth2', 'oauth1', 'either']),
  /** One person with roles at several sites in several rows, under one id or an id for each. */
  rowPerSite: z.enum(['no', 'same-id', 'own-ids']),
  /** So many students' ids name somebody else. */
  reusedIds: z.int().min(0),
  /** A tenth of the people has no username. */
  emptyUsernames: z.boolean(),
  /** `Grade 10` for `10`. */
  gradesInWords: z.boolean(),
  /** One record in fifty was changed ten years from now. */
  futureDates: z.boolean(),
  /** Where streams are told: with classes and courses, in metadata of each student, or nowhere but in grades. */
  streamsOn: z.enum(['classes', 'students', 'nowhere']),
  /** `json` says true for "true". */
  booleans: z.enum(['text', 'json']),
  /** `text` says "09,10" for a list of grades. */
  gradeLists: z.enum(['list', 'text']),
  /** How references say where they lead; `absent` gives the sourcedId alone. */
  hrefs: z.enum(['absolute', 'relative', 'absent']),
  /** What becomes of `sort`. */
  sort: z.enum(['obeyed', 'ignored', 'refused']),
  /** `shuffled`: without a sort that is obeyed, every answer has the records in another order. */
  order: z.enum(['stable', 'shuffled']),
  /** What becomes of a filter by dateLastModified. `ignored` answers with everything that is active. */
  deltaFilter: z.enum(['obeyed', 'ignored', 'refused']),
  /** False: what is marked for deletion is as if it had never been. */
  tombstones: z.boolean(),
  /** False: nested collections (`/classes/{id}/students`) are no endpoints. */
  nested: z.boolean(),
});

export type SisSettings = z.output<typeof settingsSchema>;

export const defaultSettings: SisSettings = {
  v1p1Authentication: 'oauth2',
  rowPerSite: 'no',
  reusedIds: 0,
  emptyUsernames: false,
  gradesInWords: false,
  futureDates: false,
  streamsOn: 'classes',
  booleans: 'text',
  gradeLists: 'list',
  hrefs: 'absolute',
  sort: 'obeyed',
  order: 'stable',
  deltaFilter: 'obeyed',
  tombstones: true,
  nested: true,
};

/** Each setting in words, with what it can be. */
export const settingChoices: Record<
  keyof SisSettings,
  { label: string; choices: readonly (string | number | boolean)[] }
> = {
  v1p1Authentication: { label: 'How 1.1 is asked', choices: ['oauth2', 'oauth1', 'either'] },
  rowPerSite: { label: 'A row per site for one person', choices: ['no', 'same-id', 'own-ids'] },
  reusedIds: { label: 'Students whose id names somebody else', choices: [0, 1, 5] },
  emptyUsernames: { label: 'A tenth of the people has no username', choices: [false, true] },
  gradesInWords: { label: 'Grades in words', choices: [false, true] },
  futureDates: { label: 'Some records were changed in the future', choices: [false, true] },
  streamsOn: { label: 'Streams are told with', choices: ['classes', 'students', 'nowhere'] },
  booleans: { label: 'Booleans', choices: ['text', 'json'] },
  gradeLists: { label: 'Lists of grades', choices: ['list', 'text'] },
  hrefs: { label: 'Addresses in references', choices: ['absolute', 'relative', 'absent'] },
  sort: { label: 'Sorting', choices: ['obeyed', 'ignored', 'refused'] },
  order: { label: 'Order without sorting', choices: ['stable', 'shuffled'] },
  deltaFilter: { label: 'Filter by dateLastModified', choices: ['obeyed', 'ignored', 'refused'] },
  tombstones: { label: 'Deleted records are told', choices: [true, false] },
  nested: { label: 'Nested collections', choices: [true, false] },
};
