import { loadEnvironment } from '../env.ts';
import { createOutboundClient, type OutboundClient } from './client.ts';

let client: OutboundClient | undefined;

/** The outbound client of this process, as its environment configures it; made at the first call, shared by all. */
export function outboundOfProcess(): OutboundClient {
  if (client === undefined) {
    const { mode, outboundAllow } = loadEnvironment();
    client = createOutboundClient({ mode, allow: outboundAllow });
  }
  return client;
}
