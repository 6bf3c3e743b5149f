import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AgreementState, agreementStates, agreementStatesInForce } from '#db/schema/vocabulary.ts';
import { errorCodes } from '#server/kernel/errors.ts';
import { type AgreementAct, type AgreementFacts, agreementActs, judge, nextState } from './state-machine.ts';

const inForce = (state: AgreementState) => agreementStatesInForce.some((word) => word === state);
const start: AgreementFacts = { state: 'draft', paperWaits: false, countersigned: false, graceEnded: false };

/** The facts after an act: what the verbs write besides the state. `waits`: a predecessor is still in force. */
function afterAct(facts: AgreementFacts, act: AgreementAct, waits: boolean): AgreementFacts {
  const verdict = judge(facts, act);
  if ('refusal' in verdict) return facts;
  if (act === 'countersign') return { ...facts, state: waits ? facts.state : verdict.to, countersigned: true };
  return {
    ...facts,
    state: verdict.to,
    paperWaits: act === 'enter-paper' || (facts.paperWaits && act !== 'confirm-paper' && act !== 'refuse-paper'),
    graceEnded: facts.graceEnded || act === 'end-grace',
  };
}

const step = fc.record({ act: fc.constantFrom(...agreementActs), waits: fc.boolean() });

describe('an agreement', () => {
  it('comes into force only after it was sent, signed by the school and countersigned, in this order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let facts = start;
        const done: AgreementAct[] = [];
        for (const { act, waits } of steps) {
          if ('to' in judge(facts, act)) done.push(act);
          facts = afterAct(facts, act, waits);
          if (inForce(facts.state) || facts.state === 'ended') {
            const sent = done.indexOf('send');
            const signed = done.findIndex((one) => one === 'sign' || one === 'confirm-paper');
            const countersigned = done.indexOf('countersign');
            expect(sent).toBeGreaterThanOrEqual(0);
            expect(signed).toBeGreaterThan(sent);
            expect(countersigned).toBeGreaterThan(signed);
            if (done[signed] === 'confirm-paper') expect(done.indexOf('enter-paper')).toBeLessThan(signed);
          }
        }
      }),
    );
  });

  it('never leaves an end: declined, withdrawn and ended stay what they are', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<AgreementState>('declined', 'withdrawn', 'ended'),
        fc.array(step, { maxLength: 20 }),
        (state, steps) => {
          let facts: AgreementFacts = { ...start, state };
          for (const { act, waits } of steps) facts = afterAct(facts, act, waits);
          expect(facts.state).toBe(state);
        },
      ),
    );
  });

  it('cannot be changed once it is sent', () => {
    for (const state of agreementStates.filter((word) => word !== 'draft')) {
      expect(judge({ ...start, state }, 'revise'), state).toHaveProperty('refusal');
    }
  });

  it('answers every act in every state with a state or with a code of its own', () => {
    for (const act of agreementActs) {
      const refusals = new Map<string, AgreementState[]>();
      for (const state of agreementStates) {
        const verdict = judge({ ...start, state }, act);
        if (!('refusal' in verdict)) continue;
        expect(errorCodes).toHaveProperty(verdict.refusal);
        refusals.set(verdict.refusal, [...(refusals.get(verdict.refusal) ?? []), state]);
      }
      for (const [code, states] of refusals) {
        // One code speaks of several states only where they are the same to whoever acts.
        const same =
          states.every((state) => inForce(state)) || code === 'agreement-not-in-force' || states.length === 1;
        expect(same, `${act}: ${code} for ${states.join(', ')}`).toBe(true);
      }
    }
  });

  it('refuses each wrong act by name', () => {
    const refusal = (facts: Partial<AgreementFacts>, act: AgreementAct) => () => nextState({ ...start, ...facts }, act);
    const code = (value: string) => expect.objectContaining({ code: value });
    expect(refusal({}, 'sign')).toThrow(code('agreement-not-sent'));
    expect(refusal({ state: 'sent' }, 'send')).toThrow(code('agreement-already-sent'));
    expect(refusal({ state: 'sent' }, 'countersign')).toThrow(code('agreement-not-signed'));
    expect(refusal({ state: 'sent' }, 'confirm-paper')).toThrow(code('agreement-no-paper'));
    expect(refusal({ state: 'sent', paperWaits: true }, 'sign')).toThrow(code('agreement-paper-waits'));
    expect(refusal({ state: 'signed' }, 'decline')).toThrow(code('agreement-already-signed'));
    expect(refusal({ state: 'signed' }, 'start')).toThrow(code('agreement-not-countersigned'));
    expect(refusal({ state: 'signed', countersigned: true }, 'countersign')).toThrow(
      code('agreement-already-countersigned'),
    );
    expect(refusal({ state: 'in-force' }, 'withdraw')).toThrow(code('agreement-already-in-force'));
    expect(refusal({ state: 'notice-given' }, 'give-notice')).toThrow(code('agreement-notice-already-given'));
    expect(refusal({ state: 'declined' }, 'sign')).toThrow(code('agreement-declined'));
    expect(refusal({ state: 'withdrawn' }, 'sign')).toThrow(code('agreement-withdrawn'));
    expect(refusal({ state: 'ended' }, 'move')).toThrow(code('agreement-ended'));
    expect(refusal({ state: 'ended', graceEnded: true }, 'end-grace')).toThrow(code('agreement-grace-ended'));
  });
});
