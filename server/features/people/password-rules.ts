export const passwordMinimum = 12;
const passwordMaximum = 200;

/** Why a new password is refused; null where it is good. */
export type PasswordProblem = 'too-short' | 'too-long' | 'too-simple' | 'about-you';

/**
 * Length is what counts (NIST SP 800-63B §5.1.1.2); no rules about kinds of characters. Refused besides: few different
 * characters, runs of the keyboard or alphabet, and the person's own name or address with little added.
 */
export function passwordProblem(password: string, about: readonly string[] = []): PasswordProblem | null {
  const characters = [...password.normalize('NFC')];
  if (characters.length < passwordMinimum) return 'too-short';
  if (characters.length > passwordMaximum) return 'too-long';
  const plain = password.normalize('NFKC').toLowerCase();
  if (new Set(plain).size < 5 || remainder(plain, runs).length < 4) return 'too-simple';
  const own = about.flatMap((text) => text.toLowerCase().split(/[^\p{L}\p{N}]+/u)).filter((word) => word.length > 2);
  return remainder(plain, [...own, 'crosswalk']).length < 4 ? 'about-you' : null;
}

const runs = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'azertyuiop',
  'password',
  'passwort',
  'wachtwoord',
  'welcome',
  'welkom',
  'letmein',
  'iloveyou',
].flatMap((run) => (run.length > 12 ? [...windows(run, 4)] : [run, ...windows(run, 4)]));

function* windows(run: string, size: number): Generator<string> {
  for (let start = 0; start + size <= run.length; start += 1) {
    yield run.slice(start, start + size);
    yield [...run.slice(start, start + size)].reverse().join('');
  }
}

/** What stays of a password when known pieces, and whatever repeats, are taken out. */
function remainder(password: string, pieces: readonly string[]): string {
  let rest = password;
  for (const piece of pieces.toSorted((a, b) => b.length - a.length)) rest = rest.replaceAll(piece, '');
  return rest.replace(/(.)\1+/gu, '$1');
}
