/** External services, their functions, and the tokens for them. Source: Moodle site administration, web services. */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { opaque } from '../lib/secrets.ts';
import type { Store } from '../lib/state.ts';

export const stateSchema = z.object({
  school: z.string(),
  services: z.array(
    z.object({
      id: z.number(),
      name: z.string(),
      shortname: z.string(),
      enabled: z.boolean(),
      functions: z.array(z.string()),
    }),
  ),
  tokens: z.array(
    z.object({
      id: z.number(),
      token: z.string(),
      serviceId: z.number(),
      userId: z.number(),
      validUntil: z.number().nullable(),
    }),
  ),
});

export type MoodleState = z.output<typeof stateSchema>;
export type Service = MoodleState['services'][number];
export type WsToken = MoodleState['tokens'][number];

export type Services = {
  list(): readonly Service[];
  service(id: number): Service | undefined;
  byShortname(shortname: string): Service | undefined;
  create(wanted: { name: string; shortname: string; functions: readonly string[] }): Service;
  update(id: number, change: { functions: readonly string[]; enabled: boolean }): boolean;
  /** Deletes a service with its tokens. */
  remove(id: number): boolean;
  tokens(): readonly WsToken[];
  /** A token for a user and a service; `value` only for one that must be known beforehand. */
  issue(serviceId: number, userId: number, options?: { validUntil?: number | null; value?: string }): WsToken;
  removeToken(id: number): boolean;
  revokeAll(): void;
  /** The token, if it is known and its time has not run out. */
  tokenOf(value: string): WsToken | undefined;
};

const md5Like = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

/** The token that every Moodle of the sandbox is born with: 32 hexadecimal digits, the same on every machine. */
export const demoMoodleToken = (slug: string): string => md5Like(`moodle-demo-token/${slug}`);

/** The services and tokens of one Moodle. */
export function createServices(store: Store<MoodleState>, clock: Clock): Services {
  const nextId = (entries: readonly { id: number }[]): number => Math.max(0, ...entries.map(({ id }) => id)) + 1;
  const state = (): MoodleState => store.value;
  const find = (id: number): Service | undefined => state().services.find((service) => service.id === id);
  return {
    list: () => state().services,
    service: find,
    byShortname: (shortname) => state().services.find((service) => service.shortname === shortname),
    create: ({ name, shortname, functions }) => {
      const service: Service = {
        id: nextId(state().services),
        name,
        shortname,
        enabled: true,
        functions: [...functions],
      };
      state().services.push(service);
      store.save();
      return service;
    },
    update: (id, change) => {
      const service = find(id);
      if (service === undefined) return false;
      service.functions = [...change.functions];
      service.enabled = change.enabled;
      store.save();
      return true;
    },
    remove: (id) => {
      if (find(id) === undefined) return false;
      state().services = state().services.filter((service) => service.id !== id);
      state().tokens = state().tokens.filter((token) => token.serviceId !== id);
      store.save();
      return true;
    },
    tokens: () => state().tokens,
    issue: (serviceId, userId, options = {}) => {
      const token: WsToken = {
        id: nextId(state().tokens),
        token: options.value ?? md5Like(opaque()),
        serviceId,
        userId,
        validUntil: options.validUntil ?? null,
      };
      state().tokens.push(token);
      store.save();
      return token;
    },
    removeToken: (id) => {
      const before = state().tokens.length;
      state().tokens = state().tokens.filter((token) => token.id !== id);
      store.save();
      return state().tokens.length < before;
    },
    revokeAll: () => {
      state().tokens = [];
      store.save();
    },
    tokenOf: (value) =>
      state().tokens.find(
        (entry) => entry.token === value && (entry.validUntil === null || entry.validUntil > clock.now()),
      ),
  };
}
