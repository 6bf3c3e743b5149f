import { peopleScopes, type Scope } from '#db/schema/vocabulary.ts';
import { connectorById } from '#server/connectors/registry.ts';
import type { SystemRow } from '#server/features/connections/load-rows.ts';
import { redirectUriOf } from '#server/features/connections/oauth-attempt.ts';
import type { Context } from '#server/kernel/context.ts';

export interface GuideStepView {
  /** Key below messages/<locale>/connectors.json. */
  readonly text: string;
  /** What to copy, filled in; null where there is nothing. */
  readonly copy: string | null;
}

/** The set-up guide of a system with what it lets copy: redirect address, foreign scopes, the addresses that we call from. */
export function guideOfSystem(
  ctx: Pick<Context, 'baseUrl'>,
  system: Pick<SystemRow, 'connector' | 'settings' | 'origins'>,
  scopes: readonly Scope[],
): GuideStepView[] {
  const connector = connectorById(system.connector);
  const foreign = system.origins.length === 0 ? [] : connector.foreignScopes(scopes, system.settings);
  const values: Readonly<Record<string, string>> = {
    redirectUri: redirectUriOf(ctx),
    scopes: foreign.join('\n'),
    addresses: new URL(ctx.baseUrl).host,
  };
  const ofPeople = scopes.some((scope) => peopleScopes.some((people) => people === scope));
  return connector.guide
    .filter(({ onlyFor }) => onlyFor === undefined || (onlyFor === 'people') === ofPeople)
    .filter(({ onlyWhen }) => {
      const chosen = onlyWhen === undefined ? undefined : system.settings[onlyWhen.field];
      return typeof chosen !== 'string' || onlyWhen?.is.includes(chosen) === true;
    })
    .map(({ text, copy }) => ({
      text,
      copy: copy === undefined ? null : copy.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? ''),
    }));
}
