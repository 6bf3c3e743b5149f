import type { OneRosterVersion } from './versions.ts';

/** What a refusal says in the standard's words (reference §12); the spelling of 1.2. */
export type CodeMinor =
  | 'invalid_filter_field'
  | 'invalid_selection_field'
  | 'invalid_blank_selection_field'
  | 'invalid_sort_field'
  | 'invaliddata'
  | 'unauthorisedrequest'
  | 'forbidden'
  | 'unknownobject'
  | 'server_busy'
  | 'internal_server_error';

const http = {
  invalid_filter_field: 400,
  invalid_selection_field: 400,
  invalid_blank_selection_field: 400,
  invalid_sort_field: 400,
  invaliddata: 400,
  unauthorisedrequest: 401,
  forbidden: 403,
  unknownobject: 404,
  server_busy: 429,
  internal_server_error: 500,
} as const satisfies Record<CodeMinor, number>;

/** Spellings of 1.1, where they differ. */
const spelledIn11: Partial<Readonly<Record<CodeMinor, string>>> = {
  invaliddata: 'invalid data',
  unauthorisedrequest: 'unauthorized',
  unknownobject: 'unknown object',
};

/** What 1.2 has a word for; the rest it says with the nearest. */
const spelledIn12: Partial<Readonly<Record<CodeMinor, string>>> = {
  invalid_blank_selection_field: 'invalid_selection_field',
};

export interface Refusal {
  readonly codeMinor: CodeMinor;
  /** For whoever programs the consumer. Never what a record holds. */
  readonly description: string;
}

export const statusOf = ({ codeMinor }: Refusal): number => http[codeMinor];

/** The body of a refusal: a flat object in 1.2, a list in 1.1. */
export function refusalBody(version: OneRosterVersion, { codeMinor, description }: Refusal): object {
  if (version === '1.1') return { statusInfoSet: [statusInfo11('failure', 'error', codeMinor, description)] };
  return {
    imsx_codeMajor: 'failure',
    imsx_severity: 'error',
    imsx_description: description,
    imsx_CodeMinor: {
      imsx_codeMinorField: [
        {
          imsx_codeMinorFieldName: 'TargetEndSystem',
          imsx_codeMinorFieldValue: spelledIn12[codeMinor] ?? codeMinor,
        },
      ],
    },
  };
}

/** What 1.1 adds to an answer that is given all the same: an unknown field to sort by or to select. */
export const warningsBody = (warnings: readonly Refusal[]): object => ({
  statusInfoSet: warnings.map(({ codeMinor, description }) =>
    statusInfo11('success', 'warning', codeMinor, description),
  ),
});

const statusInfo11 = (major: string, severity: string, codeMinor: CodeMinor, description: string) => ({
  imsx_codeMajor: major,
  imsx_severity: severity,
  imsx_codeMinor: spelledIn11[codeMinor] ?? codeMinor,
  imsx_description: description,
});
