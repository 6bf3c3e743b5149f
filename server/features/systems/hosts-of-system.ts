import { connectorById } from '#server/connectors/registry.ts';
import type { SystemRow } from '#server/features/connections/load-rows.ts';
import type { Context } from '#server/kernel/context.ts';

/** The hosts that a person confirms, large on a page: where data is asked for, or this Crosswalk, where packages are handed in by hand. */
export function hostsOfSystem(
  { baseUrl }: Pick<Context, 'baseUrl'>,
  { connector, settings, origins }: Pick<SystemRow, 'connector' | 'settings' | 'origins'>,
): string[] {
  if (origins.length > 0 && connectorById(connector).wayOfPackages(settings) === 'upload')
    return [new URL(baseUrl).host];
  return [...new Set(origins.map((origin) => new URL(origin).host))];
}

/** The host of an LMS that receives, where one is known: credentials go nowhere there, people recognise it by it. */
export function hostsOfLms(ctx: Pick<Context, 'baseUrl'>, lms: SystemRow): string[] {
  const hosts = hostsOfSystem(ctx, lms);
  const typed = lms.settings.baseUrl;
  if (hosts.length > 0 || typeof typed !== 'string' || !URL.canParse(typed)) return hosts;
  return [new URL(typed).host];
}
