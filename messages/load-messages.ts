import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Languages that there is a folder of; the first is what everything falls back to. */
export const locales = ['en'] as const;

export interface Messages {
  [key: string]: string | Messages;
}
/** A list of strings is paragraphs: one text with blank lines between. */
const textSchema = z.union([z.string(), z.array(z.string()).transform((paragraphs) => paragraphs.join('\n\n'))]);
const messagesSchema: z.ZodType<Messages> = z.lazy(() => z.record(z.string(), z.union([textSchema, messagesSchema])));

const loaded = new Map<string, Messages>();

/** All texts of a language: one JSON file per feature in `messages/<locale>/`, under the file's name. A second language is a folder. */
export function loadMessages(locale: string): Messages {
  const known = locales.find((candidate) => candidate === locale) ?? locales[0];
  const cached = process.env.NODE_ENV === 'production' ? loaded.get(known) : undefined;
  if (cached !== undefined) return cached;
  const folder = join(process.cwd(), 'messages', known);
  const messages = Object.fromEntries(
    readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .map((file) => [
        file.slice(0, -'.json'.length),
        messagesSchema.parse(JSON.parse(readFileSync(join(folder, file), 'utf8'))),
      ]),
  );
  loaded.set(known, messages);
  return messages;
}
