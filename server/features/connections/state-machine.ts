import type { ConnectionState, ConnectionWay, ConsumerKind, SystemKind, Turn } from '#db/schema/vocabulary.ts';
import { CrosswalkError, type Disposition, type ErrorCode, errorCodes } from '#server/kernel/errors.ts';

/**
 * The life of a connection (DESIGN.md §2, "States of a connection"), pure: a standing, an event and the facts give the
 * next standing or a refusal. Nothing here reads a clock or a row.
 */

/** Why a connection stands as it does. Each cause has one owner and one next step; texts in messages/<locale>/connections.json. */
const causes = {
  drafted: { turn: 'asker', next: 'send-request' },
  'host-changed-ask-again': { turn: 'asker', next: 'send-request' },
  'host-missing': { turn: 'technical-contact', next: 'enter-address' },
  'waits-for-decision': { turn: 'approver', next: 'decide' },
  'credential-needed': { turn: 'technical-contact', next: 'enter-credential' },
  'proof-refused': { turn: 'technical-contact', next: 'correct-credential' },
  'credential-refused': { turn: 'technical-contact', next: 'renew-credential' },
  'credential-too-narrow': { turn: 'technical-contact', next: 'widen-credential' },
  /** The SIS is not asked: its packages are handed in, and none has come yet. */
  'package-awaited': { turn: 'technical-contact', next: 'hand-in-package' },
  'host-changed': { turn: 'approver', next: 'decide' },
  'host-not-accepted': { turn: 'technical-contact', next: 'restore-address' },
  'first-sync': { turn: 'crosswalk', next: 'wait-for-sync' },
  'sync-follows': { turn: 'crosswalk', next: 'wait-for-sync' },
  /** Its roster is here; nothing has been written into the LMS yet. */
  'push-awaited': { turn: 'school-administrator', next: 'prepare-push' },
  'push-held': { turn: 'school-administrator', next: 'review-push' },
  'push-follows': { turn: 'crosswalk', next: 'wait-for-push' },
  'push-not-done': { turn: 'school-administrator', next: 'look-at-push' },
  /** What the LMS must allow before a roster is written into it; these three speak of the consumer. */
  'lms-credential-needed': { turn: 'technical-contact', next: 'enter-lms-credential' },
  'lms-credential-refused': { turn: 'technical-contact', next: 'renew-lms-credential' },
  'lms-credential-too-narrow': { turn: 'technical-contact', next: 'widen-lms-credential' },
  /** SIS and LMS are said to be connected without us; their ids have not been found over there yet. */
  'direct-unproved': { turn: 'school-administrator', next: 'look-for-ids' },
  'system-unreachable': { turn: 'crosswalk', next: 'wait-for-retry' },
  'system-refuses': { turn: 'technical-contact', next: 'check-system' },
  'crosswalk-fault': { turn: 'operator', next: 'wait-for-operator' },
  'sync-held': { turn: 'school-administrator', next: 'review-sync' },
  'in-sync': { turn: 'nobody', next: 'nothing' },
  'paused-by-school': { turn: 'school-administrator', next: 'resume' },
  'everything-stopped': { turn: 'school-administrator', next: 'release' },
  'agreement-ended': { turn: 'signatory', next: 'renew-agreement' },
  'declined-by-school': { turn: 'nobody', next: 'ask-again' },
  'withdrawn-by-asker': { turn: 'nobody', next: 'ask-again' },
  'withdrawn-by-school': { turn: 'nobody', next: 'ask-again' },
  unanswered: { turn: 'nobody', next: 'ask-again' },
  'ended-by-school': { turn: 'nobody', next: 'ask-again' },
  'system-removed': { turn: 'nobody', next: 'nothing' },
  /** Paused for thirty days in which the switch can be taken back, then ended. */
  'system-replaced': { turn: 'nobody', next: 'nothing' },
  'term-ended': { turn: 'nobody', next: 'ask-again' },
  'ended-with-agreement': { turn: 'nobody', next: 'ask-again' },
} as const satisfies Record<string, { turn: Turn | 'asker'; next: string }>;

export type Cause = keyof typeof causes;
export type NextStep = (typeof causes)[Cause]['next'];

const isCause = (text: string): text is Cause => Object.hasOwn(causes, text);

/** Whether a cause says that a system stands elsewhere than was approved. */
export const speaksOfHost = (cause: string | null): boolean =>
  cause === 'host-changed' || cause === 'host-not-accepted';

/** Whether a cause and its next step speak of the LMS that receives, not of the system that gives. */
export const speaksOfLms = (cause: Cause): boolean => Object.values(causesOfLms).some((of) => of === cause);

/** How the credential of an LMS stands to what a push needs. */
export type LmsCredential = 'ready' | 'none' | 'refused' | 'too-narrow';

const causesOfLms = {
  none: 'lms-credential-needed',
  refused: 'lms-credential-refused',
  'too-narrow': 'lms-credential-too-narrow',
} as const satisfies Record<Exclude<LmsCredential, 'ready'>, Cause>;

/** Causes that stand between data that is here and its push. */
const causesOfPush: readonly Cause[] = ['push-awaited', 'push-held', 'push-follows', 'push-not-done', 'in-sync'];

/** Whether a cause says that what a push would write has come from the SIS, whatever becomes of the push. */
export const hasDataToPush = (cause: Cause): boolean => cause !== 'in-sync' && causesOfPush.includes(cause);

/** Where a connection stands: its state and why. */
export interface Standing {
  readonly state: ConnectionState;
  readonly cause: Cause;
}

/** What the machine needs to know of the world at the moment of the event. */
export interface Facts {
  readonly consumerKind: ConsumerKind;
  /** How an LMS comes by what is released to it; null for every other consumer. */
  readonly way: ConnectionWay | null;
  readonly producerKind: SystemKind;
  /** As whom the open or latest request was drafted. */
  readonly draftedAs: 'agent' | 'school' | 'operator' | 'lms';
  readonly agreementInForce: boolean;
  readonly schoolTrusted: boolean;
  readonly stoppedBySchool: boolean;
  /** The system has an address at all; the school has said that it is its own. */
  readonly hostEntered: boolean;
  readonly hostConfirmed: boolean;
  readonly requestSent: boolean;
  readonly requestApproved: boolean;
  readonly grantLive: boolean;
  /** The approved request names the origins that the system has now, and the LMS that is written into. */
  readonly hostApproved: boolean;
  /** A credential of the system answered a real call for every scope of the grant. */
  readonly credentialProved: boolean;
  /** Of the LMS, where Crosswalk writes into it; null for every other connection. */
  readonly lmsCredential: LmsCredential | null;
  /** Data has been received on this connection before. */
  readonly everLive: boolean;
  /** Another system stands in this one's place. */
  readonly systemReplaced: boolean;
}

export type ConnectionEvent =
  | { readonly type: 'send' }
  | { readonly type: 'withdraw'; readonly by: 'asker' | 'school' }
  | { readonly type: 'lapse'; readonly because: 'unanswered' | 'agreement' }
  | { readonly type: 'decline' }
  | { readonly type: 'approve' }
  /** A wider, other or renewed grant took the place of the old one. */
  | { readonly type: 'amend' }
  /** Somebody set out to connect: a link was sent or a credential entered. */
  | { readonly type: 'begin-connecting' }
  | { readonly type: 'prove' }
  | { readonly type: 'refuse-proof' }
  /** The address was entered for the first time. */
  | { readonly type: 'enter-host' }
  | { readonly type: 'change-host' }
  /** A request to amend was declined, withdrawn or lapsed, or the approved address came back. */
  | { readonly type: 'drop-amendment' }
  /** A sync of the producer was applied: what is released is here. */
  | { readonly type: 'arrive' }
  /** What is released has reached its consumer, or was found there. */
  | { readonly type: 'receive' }
  | { readonly type: 'fail'; readonly code: ErrorCode }
  | { readonly type: 'hold' }
  /** The credential of the LMS that is written into was tried, or is gone. */
  | { readonly type: 'review-lms' }
  | { readonly type: 'fail-push'; readonly code: ErrorCode }
  | { readonly type: 'hold-push' }
  /** A push that was held has been decided. */
  | { readonly type: 'settle-push'; readonly approved: boolean }
  /** What was held has been discarded: things stand as before it. */
  | { readonly type: 'settle' }
  | { readonly type: 'pause'; readonly by: PausedBy }
  | { readonly type: 'resume' }
  | { readonly type: 'revoke'; readonly because: 'school' | 'system-removed' | 'system-replaced' }
  | { readonly type: 'expire'; readonly because: 'term' | 'agreement' };

export type PausedBy = 'school' | 'agreement-ended' | 'stop-everything' | 'system-replaced';

export interface Next extends Standing {
  readonly turn: Turn;
  readonly next: NextStep;
}
export interface Refusal {
  readonly refused: ErrorCode;
  readonly details: { readonly state: ConnectionState; readonly event: ConnectionEvent['type'] };
}

export const endStates = ['declined', 'withdrawn', 'lapsed', 'revoked', 'expired'] as const satisfies ConnectionState[];

export function isEnded(state: ConnectionState): boolean {
  return endStates.some((end) => end === state);
}

/** Whose turn it is and what comes next; `asker` is whoever sends such a request (DESIGN.md §2, "who asks"). */
export function standingOf(standing: Standing, facts: Pick<Facts, 'draftedAs' | 'producerKind'>): Next {
  const { turn, next } = causes[standing.cause];
  return { ...standing, turn: turn === 'asker' ? asker(facts) : turn, next };
}

function asker(facts: Pick<Facts, 'draftedAs' | 'producerKind'>): Turn {
  switch (facts.draftedAs) {
    case 'school':
    case 'lms':
      return 'school-administrator';
    case 'operator':
      return 'operator';
    case 'agent':
      return facts.producerKind === 'sis' ? 'agent-administrator' : 'agent';
  }
}

/** The cause as it stands in a row; a word that is not ours means that the row was written around the machine. */
export function readCause(text: string | null): Cause {
  if (text !== null && isCause(text)) return text;
  throw new CrosswalkError('internal', { details: { problem: 'unknown-cause' } });
}

/** The cause of a failed run, by what its error asks for next. */
export function causeOfFailure(code: ErrorCode): Cause {
  if (code === 'scope-missing' || code === 'rights-missing') return 'credential-too-narrow';
  if (code === 'package-awaited') return 'package-awaited';
  if (code === 'credential-not-proved') return 'credential-needed';
  const disposition: Disposition = errorCodes[code].disposition;
  if (disposition === 'reconnect') return 'credential-refused';
  if (disposition === 'retry')
    return code === 'database-down' || code === 'jobs-down' ? 'crosswalk-fault' : 'system-unreachable';
  return errorCodes[code].http >= 500 && errorCodes[code].http !== 502 ? 'crosswalk-fault' : 'system-refuses';
}

/** The same of a push: what the LMS answered. */
export function causeOfPushFailure(code: ErrorCode): Cause {
  if (code === 'scope-missing' || code === 'rights-missing') return causesOfLms['too-narrow'];
  if (code === 'credential-not-proved') return causesOfLms.none;
  if (errorCodes[code].disposition === 'reconnect') return causesOfLms.refused;
  return causeOfFailure(code) === 'crosswalk-fault' ? 'crosswalk-fault' : 'push-not-done';
}

/** The roster of a pushed connection is here: what it waits for now. */
function afterArrival({ state, cause }: Standing, { lmsCredential, everLive }: Facts): Standing {
  if (lmsCredential !== null && lmsCredential !== 'ready') {
    return { state: everLive ? 'failing' : 'connecting', cause: causesOfLms[lmsCredential] };
  }
  if (cause === 'push-held' || cause === 'push-follows') return { state, cause };
  if (!everLive) return { state: 'connecting', cause: 'push-awaited' };
  return state === 'live' ? { state, cause: 'in-sync' } : { state, cause: 'push-follows' };
}

/** A guard: a fact that must hold, and the error that says so when it does not. */
type Guard = readonly [fact: (facts: Facts) => boolean, code: ErrorCode];

const agreement: Guard = [(f) => f.agreementInForce, 'agreement-not-in-force'];
const trusted: Guard = [(f) => f.schoolTrusted, 'school-not-trusted'];
const unreplaced: Guard = [(f) => !f.systemReplaced, 'system-replaced'];
const running: Guard = [(f) => !f.stoppedBySchool, 'stopped-by-school'];
const hostEntered: Guard = [(f) => f.hostEntered, 'host-missing'];
const hostConfirmed: Guard = [(f) => f.hostConfirmed, 'host-not-confirmed'];
const sent: Guard = [(f) => f.requestSent, 'request-not-sent'];
const approved: Guard = [(f) => f.requestApproved, 'request-not-approved'];
const granted: Guard = [(f) => f.grantLive, 'grant-not-live'];
const hostApproved: Guard = [(f) => f.hostApproved, 'host-not-approved'];
const proved: Guard = [(f) => f.credentialProved, 'credential-not-proved'];

/** What a decision for yes needs. */
const decidable = [agreement, trusted, running, unreplaced, sent, hostEntered, hostConfirmed];
/** What every reading of data needs, apart from the credential. */
const permitted = [agreement, trusted, running, unreplaced, sent, approved, granted, hostApproved];

interface Rule {
  readonly from: readonly ConnectionState[];
  readonly guards: readonly Guard[];
  readonly to: (standing: Standing, facts: Facts, event: ConnectionEvent) => Standing;
}

const living = ['draft', 'requested', 'approved', 'connecting', 'live', 'paused', 'failing'] as const;
const to =
  (state: ConnectionState, cause: Cause): Rule['to'] =>
  () => ({ state, cause });

const rules: Record<ConnectionEvent['type'], Rule> = {
  send: {
    from: ['draft'],
    guards: [agreement, running],
    to: (_, facts) => ({ state: 'requested', cause: facts.hostEntered ? 'waits-for-decision' : 'host-missing' }),
  },
  withdraw: {
    from: ['draft', 'requested'],
    guards: [],
    to: (_s, _f, event) => ({
      state: 'withdrawn',
      cause: event.type === 'withdraw' && event.by === 'school' ? 'withdrawn-by-school' : 'withdrawn-by-asker',
    }),
  },
  lapse: {
    from: ['requested'],
    guards: [],
    to: (_s, _f, event) => ({
      state: 'lapsed',
      cause: event.type === 'lapse' && event.because === 'agreement' ? 'ended-with-agreement' : 'unanswered',
    }),
  },
  decline: { from: ['requested'], guards: [sent], to: to('declined', 'declined-by-school') },
  approve: { from: ['requested'], guards: decidable, to: to('approved', 'credential-needed') },
  amend: {
    from: ['approved', 'connecting', 'live', 'failing', 'paused'],
    guards: permitted,
    to: (standing, facts) => {
      switch (standing.state) {
        case 'paused':
          return standing;
        case 'live':
          return { state: 'live', cause: facts.credentialProved ? 'in-sync' : 'credential-too-narrow' };
        case 'failing':
          return { state: 'failing', cause: facts.credentialProved ? 'sync-follows' : 'credential-needed' };
        default:
          return facts.credentialProved
            ? { state: 'connecting', cause: 'first-sync' }
            : { state: standing.state, cause: 'credential-needed' };
      }
    },
  },
  'begin-connecting': {
    from: ['approved', 'connecting'],
    guards: permitted,
    to: (standing) => ({
      state: 'connecting',
      cause: standing.state === 'connecting' ? standing.cause : 'credential-needed',
    }),
  },
  prove: {
    from: ['approved', 'connecting', 'live', 'failing'],
    guards: [...permitted, proved],
    to: ({ state, cause }) => {
      if (state === 'live') return { state, cause: cause === 'credential-too-narrow' ? 'in-sync' : cause };
      return state === 'failing' ? { state, cause: 'sync-follows' } : { state: 'connecting', cause: 'first-sync' };
    },
  },
  'refuse-proof': {
    from: ['approved', 'connecting', 'live', 'failing'],
    guards: permitted,
    // The approval stays. A connection that works is not brought down by a mistyped replacement.
    to: (standing) => {
      if (standing.state === 'live') return standing;
      if (standing.state === 'failing') return { state: 'failing', cause: 'proof-refused' };
      return { state: 'connecting', cause: 'proof-refused' };
    },
  },
  'enter-host': {
    from: living,
    guards: [hostEntered],
    to: (standing) =>
      standing.cause === 'host-missing' ? { state: standing.state, cause: 'waits-for-decision' } : standing,
  },
  'change-host': {
    from: living,
    guards: [],
    to: (standing) => {
      switch (standing.state) {
        case 'requested':
          return { state: 'draft', cause: 'host-changed-ask-again' };
        case 'approved':
        case 'connecting':
          return { state: 'approved', cause: 'host-changed' };
        case 'live':
        case 'failing':
          return { state: 'failing', cause: 'host-changed' };
        default:
          return standing;
      }
    },
  },
  'drop-amendment': {
    from: ['approved', 'connecting', 'live', 'failing', 'paused'],
    guards: [],
    to: (standing, facts) => {
      if (!speaksOfHost(standing.cause)) return standing;
      if (!facts.hostApproved) return { state: standing.state, cause: 'host-not-accepted' };
      // Only the LMS had moved, and is where it was: what it was written from never stopped.
      if (facts.lmsCredential === null || !facts.credentialProved)
        return { state: standing.state, cause: 'credential-needed' };
      return standing.state === 'failing'
        ? { state: 'failing', cause: 'sync-follows' }
        : { state: 'connecting', cause: 'first-sync' };
    },
  },
  arrive: {
    from: ['connecting', 'live', 'failing'],
    guards: [...permitted, proved],
    to: (standing, facts) => {
      if (facts.way === 'push') return afterArrival(standing, facts);
      const isThere = facts.way !== 'direct' || facts.everLive;
      return isThere ? { state: 'live', cause: 'in-sync' } : { state: 'connecting', cause: 'direct-unproved' };
    },
  },
  receive: { from: ['connecting', 'live', 'failing'], guards: [...permitted, proved], to: to('live', 'in-sync') },
  fail: {
    from: ['connecting', 'live', 'failing'],
    guards: [],
    to: (standing, _f, event) => ({
      state: standing.state === 'connecting' ? 'connecting' : 'failing',
      cause: event.type === 'fail' ? causeOfFailure(event.code) : 'crosswalk-fault',
    }),
  },
  hold: {
    from: ['connecting', 'live', 'failing'],
    guards: [],
    to: ({ state }) => ({ state, cause: 'sync-held' }),
  },
  'review-lms': {
    from: ['connecting', 'live', 'failing'],
    guards: permitted,
    to: (standing, { lmsCredential, everLive }) => {
      if (lmsCredential === null) return standing;
      const { cause } = standing;
      if (lmsCredential === 'ready') {
        if (!speaksOfLms(cause)) return standing;
        return everLive ? { state: 'failing', cause: 'push-follows' } : { state: 'connecting', cause: 'push-awaited' };
      }
      // While the data is not here yet, that comes first.
      if (!speaksOfLms(cause) && !causesOfPush.includes(cause)) return standing;
      return { state: everLive ? 'failing' : 'connecting', cause: causesOfLms[lmsCredential] };
    },
  },
  'fail-push': {
    from: ['connecting', 'live', 'failing'],
    guards: [],
    to: (standing, { hostApproved }, event) => {
      // It moved while it was written into: the approver has the word.
      if (!hostApproved) return standing;
      return {
        state: standing.state === 'connecting' ? 'connecting' : 'failing',
        cause: event.type === 'fail-push' ? causeOfPushFailure(event.code) : 'push-not-done',
      };
    },
  },
  'hold-push': {
    from: ['connecting', 'live', 'failing'],
    guards: [],
    to: ({ state }) => ({ state, cause: 'push-held' }),
  },
  'settle-push': {
    from: ['connecting', 'live', 'failing'],
    guards: [],
    to: (standing, { everLive }, event) => {
      if (standing.cause !== 'push-held') return standing;
      const approved = event.type === 'settle-push' && event.approved;
      if (approved) return { state: standing.state, cause: 'push-follows' };
      if (standing.state === 'live') return { state: 'live', cause: 'in-sync' };
      return { state: standing.state, cause: everLive ? 'push-not-done' : 'push-awaited' };
    },
  },
  settle: {
    from: ['connecting', 'live', 'failing'],
    guards: [],
    to: (standing) => {
      if (standing.cause !== 'sync-held') return standing;
      if (standing.state === 'live') return { state: 'live', cause: 'in-sync' };
      return { state: standing.state, cause: standing.state === 'connecting' ? 'first-sync' : 'sync-follows' };
    },
  },
  // One that is paused already may come to be paused for another reason: the callers say when.
  pause: {
    from: ['approved', 'connecting', 'live', 'failing', 'paused'],
    guards: [],
    to: (_s, _f, event) => ({
      state: 'paused',
      cause: event.type === 'pause' ? pauseCauses[event.by] : 'paused-by-school',
    }),
  },
  resume: {
    from: ['paused'],
    guards: [agreement, trusted, running, unreplaced, sent, approved, granted],
    to: (_, facts) => {
      const ready = facts.hostApproved && facts.credentialProved;
      if (!facts.hostApproved) return { state: facts.everLive ? 'failing' : 'approved', cause: 'host-changed' };
      if (facts.everLive)
        return ready ? { state: 'live', cause: 'in-sync' } : { state: 'failing', cause: 'credential-needed' };
      return ready ? { state: 'connecting', cause: 'first-sync' } : { state: 'approved', cause: 'credential-needed' };
    },
  },
  revoke: {
    from: living,
    guards: [],
    to: (_s, _f, event) => ({
      state: 'revoked',
      cause: event.type === 'revoke' && event.because !== 'school' ? event.because : 'ended-by-school',
    }),
  },
  expire: {
    from: living,
    guards: [],
    to: (_s, _f, event) => ({
      state: 'expired',
      cause: event.type === 'expire' && event.because === 'agreement' ? 'ended-with-agreement' : 'term-ended',
    }),
  },
};

const pauseCauses = {
  school: 'paused-by-school',
  'agreement-ended': 'agreement-ended',
  'stop-everything': 'everything-stopped',
  'system-replaced': 'system-replaced',
} as const satisfies Record<PausedBy, Cause>;

/** The refusal of a state, by what has happened to the connection already. */
function wrongState(state: ConnectionState, event: ConnectionEvent['type']): ErrorCode {
  const decision = event === 'approve' || event === 'decline';
  if (decision && (state === 'approved' || state === 'declined' || state === 'connecting' || state === 'live'))
    return 'already-decided';
  if (decision && state === 'draft') return 'request-not-sent';
  return isEnded(state) ? 'connection-ended' : 'state-forbids';
}

/** What an event makes of a standing, or why not: the first fact that fails names the refusal. */
export function transition(standing: Standing, event: ConnectionEvent, facts: Facts): Next | Refusal {
  const rule = rules[event.type];
  const details = { state: standing.state, event: event.type };
  if (!rule.from.includes(standing.state)) return { refused: wrongState(standing.state, event.type), details };
  for (const [holds, code] of rule.guards) if (!holds(facts)) return { refused: code, details };
  return standingOf(rule.to(standing, facts, event), facts);
}

export function isRefusal(result: Next | Refusal): result is Refusal {
  return 'refused' in result;
}

/** Every cause, for the test that each has a text. */
export const allCauses = Object.keys(causes).filter(isCause);
export const allNextSteps = [...new Set(Object.values(causes).map(({ next }) => next))];
