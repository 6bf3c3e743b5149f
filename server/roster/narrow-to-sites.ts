/** A site as the source tells it. */
export interface SourceSite {
  readonly sourceId: string;
  readonly name: string;
  readonly identifier: string | null;
  readonly parentSourceId: string | null;
}

/** A site as the school registered it, which a sharing rule names. */
export interface OwnSite {
  readonly id: string;
  readonly name: string;
  readonly registerNumber: string | null;
}

const fold = (text: string) => text.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim();

/** Recognises the source's sites as the school's own: by register number, else by name. Source id → own id. Pure. */
export function recogniseSites(source: readonly SourceSite[], own: readonly OwnSite[]): ReadonlyMap<string, string> {
  const byNumber = new Map(
    own.flatMap((site) => (site.registerNumber === null ? [] : [[fold(site.registerNumber), site.id] as const])),
  );
  const byName = new Map(own.map((site) => [fold(site.name), site.id] as const));
  const recognised = new Map<string, string>();
  for (const site of source) {
    const id =
      (site.identifier === null ? undefined : byNumber.get(fold(site.identifier))) ?? byName.get(fold(site.name));
    if (id !== undefined) recognised.set(site.sourceId, id);
  }
  return recognised;
}

/**
 * The source's sites whose records may be kept when every live grant is narrowed to some of the school's sites: those, what lies
 * below them and what stands above them (a district's own records belong to all). Null: no narrowing. Pure.
 *
 * @param rules the `sharingRule.sites` of each live grant: ids of the school's own sites; an empty list is no limit
 */
export function sitesAllowed(
  rules: readonly (readonly string[])[],
  source: readonly SourceSite[],
  own: readonly OwnSite[],
): ReadonlySet<string> | null {
  if (rules.length === 0 || rules.some((rule) => rule.length === 0)) return null;
  const wanted = new Set(rules.flat());
  const parentOf = new Map(source.map((site) => [site.sourceId, site.parentSourceId]));
  const chain = (sourceId: string): string[] => {
    const ids: string[] = [];
    // A parent chain of a foreign system may go round.
    for (let at: string | null = sourceId; at !== null && !ids.includes(at); at = parentOf.get(at) ?? null)
      ids.push(at);
    return ids;
  };
  const recognised = recogniseSites(source, own);
  const chosen = new Set([...recognised].filter(([, id]) => wanted.has(id)).map(([sourceId]) => sourceId));
  const allowed = new Set([...chosen].flatMap(chain));
  for (const site of source) if (chain(site.sourceId).some((id) => chosen.has(id))) allowed.add(site.sourceId);
  return allowed;
}
