import { describe, expect, it } from 'vitest';
import { hashPassword, verifyPassword } from './password-hash.ts';
import { passwordProblem } from './password-rules.ts';

describe('password hashes', () => {
  it('are argon2id with OWASP parameters, fresh salt each time, and verify the password alone', async () => {
    const [one, two] = await Promise.all([
      hashPassword('correct horse battery'),
      hashPassword('correct horse battery'),
    ]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(two);
    expect(await verifyPassword(one, 'correct horse battery')).toBe(true);
    expect(await verifyPassword(one, 'correct horse batterz')).toBe(false);
  });

  it('treats the two Unicode spellings of one text as one password', async () => {
    expect(await verifyPassword(await hashPassword('caf\u00e9 au lait, merci'), 'cafe\u0301 au lait, merci')).toBe(
      true,
    );
  });

  it('says no to every password where there is no account, and to a stored text that is no hash', async () => {
    expect(await verifyPassword(null, 'anything at all')).toBe(false);
    expect(await verifyPassword('plain text', 'plain text')).toBe(false);
  });
});

describe('the rules for a new password', () => {
  it.each([
    ['short', 'too-short'],
    ['elevenchars', 'too-short'],
    ['x'.repeat(201), 'too-long'],
    ['aaaaaaaaaaaaaaa', 'too-simple'],
    ['abcdefghijklmnop', 'too-simple'],
    ['qwertyuiop12345', 'too-simple'],
    ['Password12345', 'too-simple'],
    ['PetraApprover1', 'about-you'],
    ['crosswalk-petra', 'about-you'],
  ])('refuse %s: %s', (password, problem) => {
    expect(passwordProblem(password, ['Petra Approver', 'petra@school.example'])).toBe(problem);
  });

  it.each(['correct horse battery staple', 'vijf paarse fietsen', 'Tr0ub4dor&3-zeven'])('take %s', (password) => {
    expect(passwordProblem(password, ['Petra Approver', 'petra@school.example'])).toBeNull();
  });
});
