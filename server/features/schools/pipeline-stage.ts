import type { AgreementState, Turn } from '#db/schema/vocabulary.ts';

export const pipelineStages = ['prospect', 'agreement-out', 'connecting', 'live', 'needs-attention'] as const;
export type PipelineStage = (typeof pipelineStages)[number];

/** Why a school needs attention, or what comes next: keys of messages/<locale>/schools.json `next`. */
export type PipelineNext =
  | 'draw-up'
  | 'send-draft'
  | 'wait-for-signature'
  | 'wait-for-paper'
  | 'wait-for-countersignature'
  | 'countersign'
  | 'ask-for-connection'
  | 'own-turn-on-connection'
  | 'wait-for-connection'
  | 'nothing'
  | 'connection-failing'
  | 'connection-paused'
  | 'agreement-declined'
  | 'agreement-ends-soon'
  | 'agreement-ended';

/** What the agent may know of a school: its own agreement, and counts. */
export interface PipelineFacts {
  readonly agreement: {
    readonly state: AgreementState;
    readonly paperWaits: boolean;
    readonly countersigned: boolean;
    /** Days to its last day; negative after it. */
    readonly daysLeft: number;
  } | null;
  /** Any of the agent's agreements is in force. */
  readonly inForce: boolean;
  /** A renewal is signed and countersigned. */
  readonly renewed: boolean;
  readonly mayCountersign: boolean;
  readonly connections: {
    readonly live: number;
    readonly waiting: number;
    readonly failing: number;
    readonly paused: number;
    readonly agentsTurn: number;
  };
}

export interface PipelineStanding {
  readonly stage: PipelineStage;
  readonly next: PipelineNext;
  readonly turn: Turn;
}

const endsSoonDays = 30;

/** Where a school stands in an agent's pipeline, what comes next and whose turn it is. */
export function standingOf(facts: PipelineFacts): PipelineStanding {
  const { agreement, connections, inForce } = facts;
  const attention = (next: PipelineNext, turn: Turn): PipelineStanding => ({ stage: 'needs-attention', next, turn });
  if (agreement === null || agreement.state === 'withdrawn')
    return { stage: 'prospect', next: 'draw-up', turn: 'agent' };
  if (!inForce) {
    switch (agreement.state) {
      case 'draft':
        return { stage: 'prospect', next: 'send-draft', turn: 'agent' };
      case 'sent':
        return {
          stage: 'agreement-out',
          next: agreement.paperWaits ? 'wait-for-paper' : 'wait-for-signature',
          turn: 'signatory',
        };
      case 'signed':
        if (facts.mayCountersign && !agreement.countersigned) {
          return { stage: 'agreement-out', next: 'countersign', turn: 'agent-administrator' };
        }
        return { stage: 'agreement-out', next: 'wait-for-countersignature', turn: 'operator' };
      case 'declined':
        return attention('agreement-declined', 'agent');
      default:
        return attention('agreement-ended', 'agent');
    }
  }
  if (connections.failing > 0) return attention('connection-failing', 'technical-contact');
  if (!facts.renewed && agreement.daysLeft <= endsSoonDays) return attention('agreement-ends-soon', 'agent');
  if (connections.live > 0) return { stage: 'live', next: 'nothing', turn: 'nobody' };
  if (connections.agentsTurn > 0) return { stage: 'connecting', next: 'own-turn-on-connection', turn: 'agent' };
  if (connections.waiting > 0) return { stage: 'connecting', next: 'wait-for-connection', turn: 'approver' };
  if (connections.paused > 0) return attention('connection-paused', 'school-administrator');
  return { stage: 'connecting', next: 'ask-for-connection', turn: 'agent' };
}
