/**
 * What a source tells of each collection, as columns of text: the form in which records are staged, whether they came over REST or in a
 * CSV file. Every row has besides: `line` (its number in the file, or in the page), `source_id`, `status` (`active` or `tobedeleted`;
 * empty: active) and `modified` (a moment as the source wrote it). A cell that says nothing is NULL.
 *
 * Lists are one cell: elements parted by U+001F, each followed by one, where we wrote the cell; parted by commas where the source did.
 */
export const stagedColumns = {
  sites: ['name', 'kind', 'identifier', 'parent_source_id'],
  terms: ['name', 'kind', 'starts_on', 'ends_on', 'school_year', 'parent_source_id'],
  subjects: [
    'title',
    'course_code',
    'grades',
    'subjects',
    'subject_codes',
    'site_source_id',
    'school_year_source_id',
    'stream_code',
    'stream_name',
    'stream_programme',
    'stream_level',
    'stream_year',
  ],
  groups: [
    'kind',
    'title',
    'code',
    'grades',
    'subjects',
    'subject_source_id',
    'site_source_id',
    'term_source_ids',
    'stream_code',
    'stream_name',
    'stream_programme',
    'stream_level',
    'stream_year',
  ],
  people: [
    'enabled',
    'username',
    'given_name',
    'family_name',
    'middle_name',
    'preferred_given_name',
    'preferred_family_name',
    'pronouns',
    'identifier',
    'master_identifier',
    'email',
    'sms',
    'phone',
    'grades',
    'user_ids',
    'agent_source_ids',
    'primary_site_source_id',
    /** OneRoster 1.1 CSV alone: one role in several sites; elsewhere they are rows of `roles`. */
    'role',
    'site_source_ids',
    'stream_code',
    'stream_name',
    'stream_programme',
    'stream_level',
    'stream_year',
  ],
  /** `source_id` is the person's. One row per role and site. */
  roles: ['role', 'role_type', 'site_source_id', 'begins_on', 'ends_on'],
  enrolments: ['group_source_id', 'person_source_id', 'site_source_id', 'role', 'is_primary', 'begins_on', 'ends_on'],
  /** `source_id` is the person's. */
  demographics: [
    'birth_date',
    'sex',
    'races',
    'country_of_birth',
    'state_of_birth',
    'city_of_birth',
    'public_school_residence',
  ],
  courses: ['name', 'code', 'sis_id', 'state', 'term_name', 'account_name'],
} as const;

export type StagedTable = keyof typeof stagedColumns;
