import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agreementStates } from '#db/schema/vocabulary.ts';
import { type PipelineFacts, pipelineStages, standingOf } from './pipeline-stage.ts';

const none = { live: 0, waiting: 0, failing: 0, paused: 0, agentsTurn: 0 };
const facts = (more: Partial<PipelineFacts> = {}): PipelineFacts => ({
  agreement: null,
  inForce: false,
  renewed: false,
  mayCountersign: false,
  connections: none,
  ...more,
});
const agreement = (state: (typeof agreementStates)[number], daysLeft = 200) => ({
  state,
  paperWaits: false,
  countersigned: false,
  daysLeft,
});

describe('a school in the pipeline of an agent', () => {
  it('moves from prospect over agreement out and connecting to live', () => {
    const stages = [
      facts(),
      facts({ agreement: agreement('draft') }),
      facts({ agreement: agreement('sent') }),
      facts({ agreement: agreement('signed') }),
      facts({ agreement: agreement('in-force'), inForce: true }),
      facts({ agreement: agreement('in-force'), inForce: true, connections: { ...none, waiting: 1 } }),
      facts({ agreement: agreement('in-force'), inForce: true, connections: { ...none, live: 1 } }),
    ].map((one) => standingOf(one).stage);
    expect(stages).toEqual([
      'prospect',
      'prospect',
      'agreement-out',
      'agreement-out',
      'connecting',
      'connecting',
      'live',
    ]);
  });

  it('needs attention when declined, ended, ending soon without renewal, or failing', () => {
    const inForce = { inForce: true, connections: { ...none, live: 1 } };
    expect(standingOf(facts({ agreement: agreement('declined') })).next).toBe('agreement-declined');
    expect(standingOf(facts({ agreement: agreement('ended', -3) })).next).toBe('agreement-ended');
    expect(standingOf(facts({ ...inForce, agreement: agreement('in-force', 30) })).next).toBe('agreement-ends-soon');
    expect(standingOf(facts({ ...inForce, agreement: agreement('in-force', 31) })).stage).toBe('live');
    expect(standingOf(facts({ ...inForce, agreement: agreement('notice-given', 3), renewed: true })).stage).toBe(
      'live',
    );
    const failing = facts({
      agreement: agreement('in-force'),
      inForce: true,
      connections: { ...none, live: 1, failing: 1 },
    });
    expect(standingOf(failing)).toMatchObject({ stage: 'needs-attention', next: 'connection-failing' });
  });

  it('always has a stage, something next and a turn', () => {
    const count = fc.integer({ min: 0, max: 3 });
    fc.assert(
      fc.property(
        fc.option(
          fc.record({
            state: fc.constantFrom(...agreementStates),
            paperWaits: fc.boolean(),
            countersigned: fc.boolean(),
            daysLeft: fc.integer({ min: -400, max: 900 }),
          }),
        ),
        fc.record({ live: count, waiting: count, failing: count, paused: count, agentsTurn: count }),
        fc.boolean(),
        fc.boolean(),
        (one, connections, renewed, mayCountersign) => {
          const inForce = one?.state === 'in-force' || one?.state === 'notice-given';
          const standing = standingOf({ agreement: one, inForce, renewed, mayCountersign, connections });
          expect(pipelineStages).toContain(standing.stage);
          if (!inForce) expect(['live', 'connecting']).not.toContain(standing.stage);
        },
      ),
    );
  });
});
