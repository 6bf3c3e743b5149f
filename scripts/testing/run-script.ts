import { type ChildProcess, spawn } from 'node:child_process';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Besides the path, how this machine reaches the npm registry. */
const handedOn = /^(?:PATH|HOME|npm_config_\w+|\w*proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_\w+)$/i;

/** What a command is given besides its own variables: nothing of ours that would change what it does. */
const bare = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => handedOn.test(name))),
  NODE_ENV: 'test',
});

export interface RunningScript {
  readonly child: ChildProcess;
  /** Everything that it has written so far. */
  output(): string;
  /** Resolves when the text was written; refused when the process ends before. */
  until(text: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

/** Starts one of our commands as an operator would, with these variables and no others. */
export function startScript(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  identity: { uid?: number; gid?: number } = {},
): RunningScript {
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...bare(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...identity,
  });
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  const heard = () => {
    for (const watcher of watchers) watcher();
  };
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
    heard();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
    heard();
  });
  const ended = new Promise<Ended>((done) => child.once('close', (code) => done({ code, stdout, stderr })));
  return {
    child,
    output: () => `${stdout}${stderr}`,
    until: (text) =>
      new Promise<void>((done, fail) => {
        const look = () => {
          if (`${stdout}${stderr}`.includes(text)) done();
        };
        watchers.add(look);
        look();
        void ended.then(({ code }) => fail(new Error(`ended with ${code ?? 'a signal'}:\n${stdout}${stderr}`)));
      }),
    ended,
  };
}

/** The same, to its end. */
export function runScript(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  identity: { uid?: number; gid?: number } = {},
): Promise<Ended> {
  return startScript(file, args, env, identity).ended;
}
