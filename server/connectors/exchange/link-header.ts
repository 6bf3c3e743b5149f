/**
 * The target of `rel="next"` in a Link header (RFC 8288 §3), as it stands there: absolute or relative. Undefined where the
 * header is absent, null where it is there but names no next page, so that the two can be told apart.
 */
export function nextLink(header: string | undefined): string | null | undefined {
  if (header === undefined || header.trim() === '') return undefined;
  // A comma or a semicolon inside <…> belongs to the address; inside quotes to the parameter.
  for (const match of header.matchAll(/<([^>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+(?:\s*=\s*(?:"[^"]*"|[^\s",;]+))?)*)/g)) {
    const [, target, parameters] = match;
    const values = [...(parameters ?? '').matchAll(/;\s*([\w*-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s",;]+)))?/g)];
    // RFC 8288 §3.3: of several `rel` the first counts.
    const rel = values.find(([, name]) => name?.toLowerCase() === 'rel');
    const relations = (rel?.[2] ?? rel?.[3] ?? '').toLowerCase().split(/\s+/);
    if (relations.includes('next') && target !== undefined && target !== '') return target;
  }
  return null;
}
