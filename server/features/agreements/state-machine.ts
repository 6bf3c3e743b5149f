import { type AgreementState, agreementStates, type Turn } from '#db/schema/vocabulary.ts';
import { CrosswalkError, type ErrorCode } from '#server/kernel/errors.ts';

/** What can be done to an agreement. Nothing else changes its state. */
export const agreementActs = [
  'revise',
  'send',
  'sign',
  'enter-paper',
  'confirm-paper',
  'refuse-paper',
  'decline',
  'withdraw',
  'countersign',
  'refuse-countersignature',
  'start',
  'give-notice',
  'end',
  'end-grace',
  'move',
] as const;
export type AgreementAct = (typeof agreementActs)[number];

/** All that the machine needs to know of an agreement. */
export interface AgreementFacts {
  readonly state: AgreementState;
  /** A scan was entered and neither confirmed nor refused by the school. */
  readonly paperWaits: boolean;
  /** Countersigned, and waiting for the day after its predecessor's end. */
  readonly countersigned: boolean;
  readonly graceEnded: boolean;
}

const closed = { declined: 'agreement-declined', withdrawn: 'agreement-withdrawn', ended: 'agreement-ended' } as const;
const sent = {
  sent: 'agreement-already-sent',
  signed: 'agreement-already-signed',
  'in-force': 'agreement-already-in-force',
  'notice-given': 'agreement-already-in-force',
} as const;
const unsent = { draft: 'agreement-not-sent' } as const;
const unsigned = { ...unsent, sent: 'agreement-not-signed' } as const;
const notInForce = {
  draft: 'agreement-not-in-force',
  sent: 'agreement-not-in-force',
  signed: 'agreement-not-in-force',
} as const;

/** In each state the next state, or the code of the refusal. */
const table: { readonly [act in AgreementAct]: { readonly [state in AgreementState]: AgreementState | ErrorCode } } = {
  revise: { ...sent, ...closed, draft: 'draft' },
  send: { ...sent, ...closed, draft: 'sent' },
  sign: { ...unsent, ...sent, ...closed, sent: 'signed' },
  'enter-paper': { ...unsent, ...sent, ...closed, sent: 'sent' },
  'confirm-paper': { ...unsent, ...sent, ...closed, sent: 'signed' },
  'refuse-paper': { ...unsent, ...sent, ...closed, sent: 'sent' },
  decline: { ...unsent, ...sent, ...closed, sent: 'declined' },
  withdraw: { ...sent, ...closed, draft: 'withdrawn', sent: 'withdrawn' },
  countersign: { ...sent, ...unsigned, ...closed, signed: 'in-force' },
  'refuse-countersignature': { ...sent, ...unsigned, ...closed, signed: 'declined' },
  start: { ...sent, ...unsigned, ...closed, signed: 'in-force' },
  'give-notice': {
    ...notInForce,
    ...closed,
    'in-force': 'notice-given',
    'notice-given': 'agreement-notice-already-given',
  },
  end: { ...notInForce, ...closed, 'in-force': 'ended', 'notice-given': 'ended' },
  'end-grace': { ...sent, ...unsigned, ...closed, ended: 'ended' },
  move: { ...notInForce, ...closed, 'in-force': 'in-force', 'notice-given': 'notice-given' },
};

/** Refusals that depend on more than the state, looked at after it. */
function furtherRefusal(facts: AgreementFacts, act: AgreementAct): ErrorCode | null {
  if (act === 'sign' || act === 'enter-paper') return facts.paperWaits ? 'agreement-paper-waits' : null;
  if (act === 'confirm-paper' || act === 'refuse-paper') return facts.paperWaits ? null : 'agreement-no-paper';
  if (act === 'countersign' || act === 'refuse-countersignature') {
    return facts.countersigned ? 'agreement-already-countersigned' : null;
  }
  if (act === 'start') return facts.countersigned ? null : 'agreement-not-countersigned';
  if (act === 'end-grace') return facts.graceEnded ? 'agreement-grace-ended' : null;
  return null;
}

const isState = (move: string): move is AgreementState => agreementStates.some((state) => state === move);

/** Whether an act is possible now, and if not why: a state or the code of the refusal, which is the act's own. */
export function judge(
  facts: AgreementFacts,
  act: AgreementAct,
): { readonly to: AgreementState } | { readonly refusal: ErrorCode } {
  const move = table[act][facts.state];
  if (!isState(move)) return { refusal: move };
  const refusal = furtherRefusal(facts, act);
  return refusal === null ? { to: move } : { refusal };
}

/** The state that an act leads to. Throws the refusal's own code. */
export function nextState(facts: AgreementFacts, act: AgreementAct): AgreementState {
  const verdict = judge(facts, act);
  if ('refusal' in verdict) throw new CrosswalkError(verdict.refusal, { details: { state: facts.state, act } });
  return verdict.to;
}

/** Whose turn it is on an agreement. */
export function turnOf(facts: AgreementFacts & { readonly agentMayCountersign: boolean }): Turn {
  switch (facts.state) {
    case 'draft':
      return 'agent';
    case 'sent':
      return 'signatory';
    case 'signed':
      if (facts.countersigned) return 'crosswalk';
      return facts.agentMayCountersign ? 'agent-administrator' : 'operator';
    default:
      return 'nobody';
  }
}
