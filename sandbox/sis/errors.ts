/** Error payloads of both versions. Source: OneRoster 1.2 `imsx_StatusInfoDType`; 1.1 status information sets as deployed. */

import type { Version } from './wire.ts';

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

const v1p1Spelling: Record<CodeMinor, string> = {
  invalid_filter_field: 'invalid_filter_field',
  invalid_selection_field: 'invalid_selection_field',
  invalid_blank_selection_field: 'invalid_blank_selection_field',
  invalid_sort_field: 'invalid_sort_field',
  invaliddata: 'invalid data',
  unauthorisedrequest: 'unauthorized',
  forbidden: 'forbidden',
  unknownobject: 'unknown object',
  server_busy: 'server_busy',
  internal_server_error: 'internal_server_error',
};

/** A refusal with its HTTP status; thrown by handlers, written by the one error handler. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly status: 400 | 401 | 403 | 404 | 429;
  readonly minor: CodeMinor;
  /** What WWW-Authenticate says with a 401. */
  readonly challenge: string;
  constructor(
    status: 400 | 401 | 403 | 404 | 429,
    minor: CodeMinor,
    message: string,
    challenge = 'Bearer realm="Registra"',
  ) {
    super(message);
    this.status = status;
    this.minor = minor;
    this.challenge = challenge;
  }
}

/** The payload of a failure: nested code minor in 1.2, a status information set in 1.1. */
export function failure(version: Version, minor: CodeMinor, description: string): Record<string, unknown> {
  if (version === 'v1p1') return statusInfoSet('failure', 'error', minor, description);
  return {
    imsx_codeMajor: 'failure',
    imsx_severity: 'error',
    imsx_description: description,
    imsx_CodeMinor: {
      imsx_codeMinorField: [{ imsx_codeMinorFieldName: 'TargetEndSystem', imsx_codeMinorFieldValue: minor }],
    },
  };
}

/** 1.1's status information set: of a failure, or of a warning that stands beside the records of a successful answer. */
export function statusInfoSet(
  major: 'failure' | 'success',
  severity: 'error' | 'warning',
  minor: CodeMinor,
  description: string,
): Record<string, unknown> {
  return {
    statusInfoSet: [
      {
        imsx_codeMajor: major,
        imsx_severity: severity,
        imsx_codeMinor: v1p1Spelling[minor],
        imsx_description: description,
      },
    ],
  };
}
