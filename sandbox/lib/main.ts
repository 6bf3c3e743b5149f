type Program = { url: string; close(): Promise<void> };

function say(error: unknown): never {
  const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  const text = isTaken
    ? 'The port is taken: set PORT to another one, or end what listens there.'
    : error instanceof Error
      ? error.message
      : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

/** Starts a sandbox program, prints its ready line, and ends it on SIGINT and SIGTERM. */
export function run(name: string, start: () => Promise<Program>): void {
  start().then((program) => {
    process.stdout.write(`${name} is ready at ${program.url}\n`);
    const stop = (): void => {
      program.close().then(() => process.exit(0), say);
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  }, say);
}
