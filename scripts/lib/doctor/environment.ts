import { type Environment, loadEnvironment } from '#server/kernel/env.ts';
import { toCrosswalkError } from '#server/kernel/errors.ts';
import { variables } from '../variables.ts';
import { type Finding, ok, warning, wrong } from './finding.ts';

const ours = /^(?:CROSSWALK|DATABASE|INNGEST|SANDBOX|OUTBOUND|WORKER|SMTP|MAIL|AUDIT|OPERATOR)_/;

/** Every mistake of the configuration at once, and names that look like ours and are none. */
export function lookAtEnvironment(source: Readonly<Record<string, string | undefined>>): {
  findings: Finding[];
  env: Environment | null;
} {
  const known = new Set(variables.map((variable) => variable.name));
  const strange = Object.keys(source)
    .filter((name) => ours.test(name) && !known.has(name))
    .sort()
    .map((name) =>
      warning(
        'environment',
        `${name} is set, but Crosswalk knows no such variable: is it spelled as in docs/configuration.md?`,
      ),
    );
  try {
    const env = loadEnvironment(source);
    return { env, findings: [ok('environment', `The configuration is sound (${env.mode}).`), ...strange] };
  } catch (error) {
    const { problems } = toCrosswalkError(error).details;
    if (!Array.isArray(problems)) throw error;
    return { env: null, findings: [...problems.map((sentence) => wrong('environment', sentence)), ...strange] };
  }
}
