import type { Database } from '#db/client.ts';
import type { LinkPurpose, Role } from '#db/schema/vocabulary.ts';
import type { Clock } from './clock.ts';
import type { Keyring } from './sealed.ts';

/** One role of the person who asks. `schoolId` is set exactly for roles of a school. */
export interface Membership {
  readonly organisationId: string;
  readonly schoolId: string | null;
  readonly role: Role;
  /** Set where an approver or technical contact is limited to one system. */
  readonly systemId: string | null;
  /** Set where an approver is limited to one site. */
  readonly siteId: string | null;
}

/** Who acts. A verb decides by this and by nothing else. */
export type Actor =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'user';
      readonly userId: string;
      readonly name: string;
      readonly email: string;
      readonly sessionId: string;
      /** `password-ok` until the second factor, where one is set up or required. */
      readonly assurance: 'password-ok' | 'full';
      readonly memberships: readonly Membership[];
    }
  | {
      /** The holder of a single-use link that needs no account (a technical contact's entry page). */
      readonly kind: 'link';
      readonly linkId: string;
      readonly purpose: LinkPurpose;
      readonly schoolId: string | null;
      readonly systemId: string | null;
      readonly name: string;
    }
  | { readonly kind: 'job'; readonly job: string; readonly runId: string }
  /** Start-up, seeding and the command line; never a request. */
  | { readonly kind: 'system'; readonly reason: string };

export interface Context {
  readonly actor: Actor;
  /** As `crosswalk_web` in the web process and in jobs, as `crosswalk_sync` in the roster's stages. */
  readonly database: Database;
  readonly clock: Clock;
  /** Data keys to seal and open secrets with; loaded once per process by `loadKeyring` of data-keys.ts. */
  readonly keyring: Keyring;
  /** Origin under which people reach this installation, without a trailing slash: for addresses in mails. */
  readonly baseUrl: string;
  /** Ties log lines, audit rows and errors of one request together. */
  readonly requestId: string;
}
