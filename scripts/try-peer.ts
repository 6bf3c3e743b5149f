/**
 * Tries a connector against a running system: proof, preview, a whole fetch, and what was odd about it. Prints counts and keys,
 * no record and no secret, but for the preview's few masked rows with `PEER_SHOW=1`.
 *
 *   PEER_SETTINGS='{"version":"1.2","baseUrl":"…","tokenUrl":"…"}' PEER_SECRET='{"clientId":"…","clientSecret":"…"}' \
 *     node scripts/try-peer.ts oneroster
 *
 * PEER_SCOPES (comma-separated; all that the connector serves), PEER_SINCE (a moment: a delta), PEER_CA (file with certificates to trust), PEER_ALLOW (OUTBOUND_ALLOW).
 */
import { readFileSync } from 'node:fs';
import { isScope } from '#db/schema/vocabulary.ts';
import type { CallRecord, Tokens } from '#server/connectors/contract.ts';
import { connectorById, connectors } from '#server/connectors/registry.ts';
import { systemClock } from '#server/kernel/clock.ts';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { createOutboundClient, parseAllowList } from '#server/kernel/outbound/client.ts';

const { PEER_SETTINGS, PEER_SECRET, PEER_SCOPES, PEER_SINCE, PEER_CA, PEER_ALLOW, PEER_SHOW } = process.env;
const say = (text: string) => void process.stdout.write(`${text}\n`);
const [id] = process.argv.slice(2);
if (id === undefined || PEER_SETTINGS === undefined || PEER_SECRET === undefined) {
  say(`usage: PEER_SETTINGS=… PEER_SECRET=… node scripts/try-peer.ts ${connectors.map((c) => c.id).join('|')}`);
  process.exit(2);
}

const connector = connectorById(id);
const scopes = PEER_SCOPES === undefined ? connector.capabilities.scopes : PEER_SCOPES.split(',').filter(isScope);
const http = createOutboundClient({
  mode: 'demo',
  allow: parseAllowList(PEER_ALLOW ?? '').entries,
  ...(PEER_CA === undefined ? {} : { certificateAuthorities: [readFileSync(PEER_CA, 'utf8')] }),
});
const since = PEER_SINCE === undefined ? null : new Date(PEER_SINCE);
const calls: CallRecord[] = [];
let tokens: Tokens | null = null;
const open = connector.open({
  settings: JSON.parse(PEER_SETTINGS),
  secret: JSON.parse(PEER_SECRET),
  http,
  clock: systemClock,
  purpose: 'sync',
  record: (call) => void calls.push(call),
  tokens: async (renew, rejected) => {
    if (tokens === null || tokens.accessToken === rejected) tokens = await renew(tokens);
    return tokens;
  },
});

const told = (error: unknown) =>
  isCrosswalkError(error) ? `${error.code} (${error.disposition}) ${JSON.stringify(error.details)}` : String(error);

const proof = await open.prove(scopes);
say(
  `proof ${proof.ok ? 'ok' : 'REFUSED'}  acts as ${proof.actsAs?.name ?? 'nobody named'}  about ${JSON.stringify(proof.about)}  advice ${proof.advice.join(', ') || 'none'}`,
);
for (const { scope, ok, errorCode, details } of proof.results) {
  say(`  ${ok ? 'ok     ' : 'refused'} ${scope}${ok ? '' : `  ${errorCode} ${JSON.stringify(details)}`}`);
}
try {
  for (const { collection, count, precision, sample } of await open.preview(scopes)) {
    say(`preview ${collection}: ${count ?? '?'} (${precision}), ${sample.length} shown`);
    if (PEER_SHOW === '1') for (const row of sample) say(`    ${JSON.stringify(row)}`);
  }
} catch (error) {
  say(`preview failed: ${told(error)}`);
}
for (const collection of open.collectionsFor(scopes)) {
  const started = performance.now();
  const ids = new Set<string>();
  const deviations = new Set<string>();
  const reasons = new Map<string, number>();
  let [records, pages, deleted, setAside, cut] = [0, 0, 0, 0, 0];
  let total: number | null = null;
  let end: string | null = null;
  try {
    for await (const page of open.fetch(collection, null, { scopes, since })) {
      pages += 1;
      records += page.records.length;
      deleted += page.records.filter((record) => record.deleted).length;
      setAside += page.setAside.length;
      cut += page.cut;
      for (const { sourceId } of page.records) ids.add(sourceId);
      for (const key of page.deviations) deviations.add(key);
      for (const { field, reason } of page.setAside) {
        const key = `${field ?? ''}:${reason}`;
        reasons.set(key, (reasons.get(key) ?? 0) + 1);
      }
      total = page.total;
      end = page.end;
    }
    const milliseconds = Math.round(performance.now() - started);
    say(
      `${collection}: ${records} records (${ids.size} distinct, ${deleted} to be deleted), ${cut} cut, ${setAside} set aside ${JSON.stringify(Object.fromEntries(reasons))}`,
    );
    say(
      `    ${pages} pages, total ${total ?? 'not told'}, end ${end}, ${milliseconds} ms, deviations: ${[...deviations].join(', ') || 'none'}`,
    );
  } catch (error) {
    say(`${collection}: FAILED after ${records} records: ${told(error)}`);
  }
}
say(
  `${calls.length} calls: ${[...new Set(calls.map((call) => `${call.method} ${call.path.split('?')[0]} ${call.status ?? '-'}`))].join(' | ')}`,
);
await http.close();
