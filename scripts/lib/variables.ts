/** Where a variable counts: everywhere, or in one mode only. */
type Where = 'both' | 'demo' | 'production';

export interface Variable {
  readonly name: string;
  readonly where: Where;
}

const everywhere = (...names: string[]): Variable[] => names.map((name) => ({ name, where: 'both' }));

/** Every variable that an operator may set; docs/configuration.md says what each does, and a test holds the lists together. */
export const variables: readonly Variable[] = [
  ...everywhere('CROSSWALK_URL', 'PORT', 'WORKER_PORT', 'WORKER_HOST', 'DATA_DIR'),
  { name: 'WEB_HOST', where: 'production' },
  ...everywhere('DATABASE_URL', 'DATABASE_WEB_URL', 'DATABASE_SYNC_URL', 'DATABASE_PREPARE'),
  ...everywhere('CROSSWALK_MASTER_KEY', 'AUDIT_HEADS_FILE', 'OPERATOR_EMAIL', 'SMTP_URL', 'MAIL_FROM'),
  ...everywhere('OUTBOUND_ALLOW'),
  ...everywhere('INNGEST_BASE_URL', 'INNGEST_SIGNING_KEY', 'INNGEST_SIGNING_KEY_FALLBACK', 'INNGEST_EVENT_KEY'),
  ...everywhere('INNGEST_SERVE_ORIGIN', 'INNGEST_SERVE_IN_WEB'),
  ...everywhere('LOG_LEVEL'),
  { name: 'CROSSWALK_VERBOSE', where: 'demo' },
  ...['SIS', 'CANVAS', 'MOODLE', 'PULLER'].flatMap((system): Variable[] => [
    { name: `SANDBOX_${system}_PORT`, where: 'demo' },
    { name: `SANDBOX_${system}_URL`, where: 'demo' },
  ]),
  ...everywhere('CHROMIUM_PATH'),
];

/** The same for each sign-in provider, `<NAME>` being the operator's choice. */
export const providerVariables = [
  'OIDC_<NAME>_ISSUER',
  'OIDC_<NAME>_CLIENT_ID',
  'OIDC_<NAME>_CLIENT_SECRET',
  'OIDC_<NAME>_LABEL',
] as const;
