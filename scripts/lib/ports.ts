import { createServer } from 'node:net';
import { Refused } from './refused.ts';

export interface WantedPort {
  readonly port: number;
  /** The variable that moves it. */
  readonly variable: string;
  readonly host: string;
}

/** Why a port cannot be listened on (`EADDRINUSE`, `EACCES`, …), or null where it can. */
export function portProblem(port: number, host: string): Promise<string | null> {
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'unknown'));
    probe.listen(port, host, () => probe.close(() => done(null)));
  });
}

/** The sentence for a port that cannot be had, or null. */
export async function sentenceAboutPort({ port, variable, host }: WantedPort): Promise<string | null> {
  const other = port + 100 > 65_535 ? port - 100 : port + 100;
  let problem = await portProblem(port, host);
  // Browsers try ::1 first for `localhost`; somebody who listens only there would get our visitors.
  if (problem === null && host === '127.0.0.1' && (await portProblem(port, '::1')) === 'EADDRINUSE')
    problem = 'EADDRINUSE';
  if (problem === null) return null;
  if (problem === 'EADDRINUSE')
    return `Port ${port} is taken by another program: stop it, or choose another with ${variable}=${other} npm start.`;
  if (problem === 'EACCES')
    return `Port ${port} may not be opened by this user: choose one above 1023, as with ${variable}=8${String(port).padStart(3, '0').slice(-3)} npm start.`;
  if (problem === 'EADDRNOTAVAIL')
    return `${host} is no address of this machine, so port ${port} cannot be opened there: set ${variable.replace('PORT', 'HOST').replace(/^HOST$/, 'WEB_HOST')} to one that it has.`;
  return `Port ${port} cannot be opened (${problem}): choose another with ${variable}=${other} npm start.`;
}

/** @throws Refused for the first that cannot be had; all of them must differ. */
export async function refuseTakenPorts(wanted: readonly WantedPort[]): Promise<void> {
  for (const [index, one] of wanted.entries()) {
    const same = wanted.slice(0, index).find((other) => other.port === one.port);
    if (same !== undefined)
      throw new Refused(`${same.variable} and ${one.variable} are both ${one.port}: give each a port of its own.`);
    const sentence = await sentenceAboutPort(one);
    if (sentence !== null) throw new Refused(sentence);
  }
}
