import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectionStates, connectionWays, consumerKinds, systemKinds, turns } from '#db/schema/vocabulary.ts';
import messages from '#messages/en/connections.json' with { type: 'json' };
import { type ErrorCode, errorCodes } from '#server/kernel/errors.ts';
import {
  allCauses,
  allNextSteps,
  type ConnectionEvent,
  causeOfFailure,
  endStates,
  type Facts,
  isEnded,
  isRefusal,
  type Standing,
  standingOf,
  transition,
} from './state-machine.ts';

const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errorCodes, text);
const codes = Object.keys(errorCodes).filter(isErrorCode);

const facts: fc.Arbitrary<Facts> = fc.record({
  consumerKind: fc.constantFrom(...consumerKinds),
  producerKind: fc.constantFrom(...systemKinds),
  way: fc.constantFrom(null, ...connectionWays),
  draftedAs: fc.constantFrom('agent' as const, 'school' as const, 'operator' as const, 'lms' as const),
  agreementInForce: fc.boolean(),
  schoolTrusted: fc.boolean(),
  stoppedBySchool: fc.boolean(),
  hostEntered: fc.boolean(),
  hostConfirmed: fc.boolean(),
  requestSent: fc.boolean(),
  requestApproved: fc.boolean(),
  grantLive: fc.boolean(),
  hostApproved: fc.boolean(),
  credentialProved: fc.boolean(),
  lmsCredential: fc.constantFrom(null, 'ready' as const, 'none' as const, 'refused' as const, 'too-narrow' as const),
  everLive: fc.boolean(),
  systemReplaced: fc.boolean(),
});

/** Facts of a world in which nothing hinders. */
const allGood: Facts = {
  consumerKind: 'marketplace',
  way: null,
  producerKind: 'sis',
  draftedAs: 'agent',
  agreementInForce: true,
  schoolTrusted: true,
  stoppedBySchool: false,
  hostEntered: true,
  hostConfirmed: true,
  requestSent: true,
  requestApproved: true,
  grantLive: true,
  hostApproved: true,
  credentialProved: true,
  lmsCredential: null,
  everLive: true,
  systemReplaced: false,
};

const event: fc.Arbitrary<ConnectionEvent> = fc.oneof(
  fc.constantFrom<ConnectionEvent>(
    { type: 'send' },
    { type: 'withdraw', by: 'asker' },
    { type: 'withdraw', by: 'school' },
    { type: 'lapse', because: 'unanswered' },
    { type: 'lapse', because: 'agreement' },
    { type: 'decline' },
    { type: 'approve' },
    { type: 'amend' },
    { type: 'begin-connecting' },
    { type: 'prove' },
    { type: 'refuse-proof' },
    { type: 'enter-host' },
    { type: 'change-host' },
    { type: 'drop-amendment' },
    { type: 'arrive' },
    { type: 'receive' },
    { type: 'review-lms' },
    { type: 'hold-push' },
    { type: 'settle-push', approved: true },
    { type: 'settle-push', approved: false },
    { type: 'hold' },
    { type: 'settle' },
    { type: 'pause', by: 'school' },
    { type: 'pause', by: 'agreement-ended' },
    { type: 'pause', by: 'stop-everything' },
    { type: 'resume' },
    { type: 'revoke', because: 'school' },
    { type: 'revoke', because: 'system-removed' },
    { type: 'expire', because: 'term' },
    { type: 'expire', because: 'agreement' },
  ),
  fc.constantFrom(...codes).map((code): ConnectionEvent => ({ type: 'fail', code })),
  fc.constantFrom(...codes).map((code): ConnectionEvent => ({ type: 'fail-push', code })),
);

/** Leaning towards what leads on, so that long paths are walked and not only early ends. */
const likelyEvent: fc.Arbitrary<ConnectionEvent> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom<ConnectionEvent>(
      { type: 'send' },
      { type: 'approve' },
      { type: 'prove' },
      { type: 'receive' },
      { type: 'pause', by: 'school' },
      { type: 'resume' },
    ),
  },
  { weight: 1, arbitrary: event },
);

const start: Standing = { state: 'draft', cause: 'drafted' };

/** Mostly good facts, so that long paths are walked and each fact fails now and then. */
const likelyFacts = fc
  .tuple(
    fc.subarray(
      [
        'agreementInForce',
        'schoolTrusted',
        'hostEntered',
        'hostConfirmed',
        'requestSent',
        'requestApproved',
        'grantLive',
        'hostApproved',
        'credentialProved',
        'everLive',
      ] as const,
      { maxLength: 1 },
    ),
    fc.boolean(),
    facts,
  )
  .map(
    ([missing, mostly, random]): Facts =>
      mostly ? { ...allGood, ...Object.fromEntries(missing.map((name) => [name, false])) } : random,
  );

describe('the life of a connection', () => {
  it('never comes to live without agreement, trust, request, approval, approved host and a proved credential', () => {
    let reached = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(likelyEvent, likelyFacts), { maxLength: 40, size: 'max' }), (path) => {
        let standing: Standing = start;
        const passed = new Set<string>();
        for (const [what, known] of path) {
          const next = transition(standing, what, known);
          if (isRefusal(next)) continue;
          passed.add(what.type);
          if (next.state === 'live' && standing.state !== 'live') {
            reached += 1;
            expect(known).toMatchObject({
              agreementInForce: true,
              schoolTrusted: true,
              stoppedBySchool: false,
              requestSent: true,
              requestApproved: true,
              grantLive: true,
              hostApproved: true,
              credentialProved: true,
            });
            expect(passed.has('send') && passed.has('approve')).toBe(true);
          }
          standing = next;
        }
      }),
      { numRuns: 3000 },
    );
    expect(reached).toBeGreaterThan(100);
  });

  it('never leaves an end', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...endStates),
        fc.constantFrom(...allCauses),
        event,
        facts,
        (state, cause, what, known) => {
          expect(isRefusal(transition({ state, cause }, what, known))).toBe(true);
        },
      ),
    );
  });

  it('says for every standing whose turn it is and what comes next', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.oneof(event, likelyEvent), likelyFacts), { maxLength: 30, size: 'max' }),
        (path) => {
          let standing: Standing = start;
          for (const [what, known] of path) {
            const next = transition(standing, what, known);
            if (isRefusal(next)) {
              expect(isErrorCode(next.refused)).toBe(true);
              continue;
            }
            expect(turns).toContain(next.turn);
            expect(allNextSteps).toContain(next.next);
            expect(connectionStates).toContain(next.state);
            if (isEnded(next.state)) expect(next.turn).toBe('nobody');
            if (next.turn === 'nobody') expect(isEnded(next.state) || next.state === 'live').toBe(true);
            standing = next;
          }
        },
      ),
    );
  });

  it('keeps the approval when a proof is refused', () => {
    fc.assert(
      fc.property(fc.constantFrom('approved' as const, 'connecting' as const), facts, (state, known) => {
        const next = transition({ state, cause: 'credential-needed' }, { type: 'refuse-proof' }, known);
        if (!isRefusal(next))
          expect(next).toMatchObject({ state: 'connecting', cause: 'proof-refused', turn: 'technical-contact' });
      }),
    );
  });

  it.each<[keyof Facts, ErrorCode]>([
    ['agreementInForce', 'agreement-not-in-force'],
    ['schoolTrusted', 'school-not-trusted'],
    ['requestSent', 'request-not-sent'],
    ['hostEntered', 'host-missing'],
    ['hostConfirmed', 'host-not-confirmed'],
  ])('refuses an approval without %s as %s', (fact, code) => {
    const standing: Standing = { state: 'requested', cause: 'waits-for-decision' };
    expect(transition(standing, { type: 'approve' }, { ...allGood, [fact]: false })).toMatchObject({ refused: code });
  });

  it.each<[keyof Facts, ErrorCode]>([
    ['agreementInForce', 'agreement-not-in-force'],
    ['schoolTrusted', 'school-not-trusted'],
    ['requestSent', 'request-not-sent'],
    ['requestApproved', 'request-not-approved'],
    ['grantLive', 'grant-not-live'],
    ['hostApproved', 'host-not-approved'],
    ['credentialProved', 'credential-not-proved'],
  ])('refuses live without %s as %s', (fact, code) => {
    const standing: Standing = { state: 'connecting', cause: 'first-sync' };
    expect(transition(standing, { type: 'receive' }, { ...allGood, [fact]: false })).toMatchObject({ refused: code });
  });

  it('refuses while the school has stopped everything, twice deciding, and what has ended, each by its own code', () => {
    const stopped = { ...allGood, stoppedBySchool: true };
    const waiting: Standing = { state: 'requested', cause: 'waits-for-decision' };
    expect(transition(waiting, { type: 'approve' }, stopped)).toMatchObject({ refused: 'stopped-by-school' });
    const live: Standing = { state: 'live', cause: 'in-sync' };
    expect(transition(live, { type: 'approve' }, allGood)).toMatchObject({ refused: 'already-decided' });
    expect(transition(live, { type: 'send' }, allGood)).toMatchObject({ refused: 'state-forbids' });
    expect(transition(start, { type: 'approve' }, allGood)).toMatchObject({ refused: 'request-not-sent' });
    const ended: Standing = { state: 'revoked', cause: 'ended-by-school' };
    expect(transition(ended, { type: 'resume' }, allGood)).toMatchObject({ refused: 'connection-ended' });
  });

  it('gives the draft to whoever sends such a request', () => {
    const turnOf = (draftedAs: Facts['draftedAs'], producerKind: Facts['producerKind']) =>
      standingOf(start, { draftedAs, producerKind }).turn;
    expect(turnOf('agent', 'sis')).toBe('agent-administrator');
    expect(turnOf('agent', 'lms')).toBe('agent');
    expect(turnOf('school', 'sis')).toBe('school-administrator');
    expect(turnOf('operator', 'lms')).toBe('operator');
  });

  it('knows for each failure who can mend it', () => {
    const turnOf = (code: ErrorCode) => standingOf({ state: 'failing', cause: causeOfFailure(code) }, allGood).turn;
    expect(turnOf('credential-refused')).toBe('technical-contact');
    expect(turnOf('scope-missing')).toBe('technical-contact');
    expect(turnOf('foreign-unavailable')).toBe('crosswalk');
    expect(turnOf('tls-failed')).toBe('technical-contact');
    expect(turnOf('internal')).toBe('operator');
    expect(turnOf('database-down')).toBe('operator');
  });

  describe('that is pushed', () => {
    const pushed: Facts = { ...allGood, consumerKind: 'lms', way: 'push', lmsCredential: 'ready', everLive: false };
    const led = (standing: Standing, what: ConnectionEvent, known: Partial<Facts> = {}) => {
      const next = transition(standing, what, { ...pushed, ...known });
      return isRefusal(next) ? next.refused : [next.state, next.cause];
    };
    const syncing: Standing = { state: 'connecting', cause: 'first-sync' };
    const live: Standing = { state: 'live', cause: 'in-sync' };

    it('goes live with its first push, not with the data of its SIS', () => {
      expect(led(syncing, { type: 'arrive' })).toEqual(['connecting', 'push-awaited']);
      expect(led({ state: 'connecting', cause: 'push-awaited' }, { type: 'hold-push' })).toEqual([
        'connecting',
        'push-held',
      ]);
      const held: Standing = { state: 'connecting', cause: 'push-held' };
      expect(led(held, { type: 'arrive' })).toEqual(['connecting', 'push-held']);
      expect(led(held, { type: 'settle-push', approved: false })).toEqual(['connecting', 'push-awaited']);
      expect(led(held, { type: 'settle-push', approved: true })).toEqual(['connecting', 'push-follows']);
      expect(led({ state: 'connecting', cause: 'push-follows' }, { type: 'receive' })).toEqual(['live', 'in-sync']);
    });

    it('waits for the LMS where that allows too little, and goes on once it does', () => {
      const narrow = { lmsCredential: 'too-narrow' } as const;
      expect(led(syncing, { type: 'arrive' }, narrow)).toEqual(['connecting', 'lms-credential-too-narrow']);
      expect(led(syncing, { type: 'review-lms' }, narrow)).toEqual(['connecting', 'first-sync']);
      expect(led({ state: 'connecting', cause: 'lms-credential-too-narrow' }, { type: 'review-lms' })).toEqual([
        'connecting',
        'push-awaited',
      ]);
      const lost = { everLive: true, lmsCredential: 'refused' } as const;
      expect(led(live, { type: 'review-lms' }, lost)).toEqual(['failing', 'lms-credential-refused']);
      const failing: Standing = { state: 'failing', cause: 'lms-credential-refused' };
      expect(led(failing, { type: 'arrive' }, lost)).toEqual(['failing', 'lms-credential-refused']);
      expect(led(failing, { type: 'review-lms' }, { everLive: true })).toEqual(['failing', 'push-follows']);
    });

    it('fails with a cause that speaks of the push, and lives again with the next one alone', () => {
      const known = { everLive: true };
      expect(led(live, { type: 'fail-push', code: 'rights-missing' }, known)).toEqual([
        'failing',
        'lms-credential-too-narrow',
      ]);
      expect(led(live, { type: 'fail-push', code: 'foreign-import' }, known)).toEqual(['failing', 'push-not-done']);
      expect(led({ state: 'failing', cause: 'push-not-done' }, { type: 'arrive' }, known)).toEqual([
        'failing',
        'push-follows',
      ]);
    });
  });

  it('comes back from a pause to where it can go on', () => {
    const resumed = (known: Partial<Facts>) => {
      const next = transition(
        { state: 'paused', cause: 'paused-by-school' },
        { type: 'resume' },
        { ...allGood, ...known },
      );
      return isRefusal(next) ? next.refused : [next.state, next.cause];
    };
    expect(resumed({})).toEqual(['live', 'in-sync']);
    expect(resumed({ credentialProved: false })).toEqual(['failing', 'credential-needed']);
    expect(resumed({ everLive: false })).toEqual(['connecting', 'first-sync']);
    expect(resumed({ everLive: false, credentialProved: false })).toEqual(['approved', 'credential-needed']);
    expect(resumed({ hostApproved: false })).toEqual(['failing', 'host-changed']);
  });

  it('has words for every state, turn, cause and next step', () => {
    const lacking = (words: object, keys: readonly string[]) => keys.filter((key) => !Object.hasOwn(words, key));
    expect(lacking(messages.state, connectionStates)).toEqual([]);
    expect(lacking(messages.turn, turns)).toEqual([]);
    expect(lacking(messages.cause, allCauses)).toEqual([]);
    expect(lacking(messages.next, allNextSteps)).toEqual([]);
  });
});
