import { z } from 'zod';
import en from './en/index.ts';

/** Languages that there is a folder of; the first is what everything falls back to. */
export const locales = ['en'] as const;

export interface Messages {
  [key: string]: string | Messages;
}
/** A list of strings is paragraphs: one text with blank lines between. */
const textSchema = z.union([z.string(), z.array(z.string()).transform((paragraphs) => paragraphs.join('\n\n'))]);
const messagesSchema: z.ZodType<Messages> = z.lazy(() => z.record(z.string(), z.union([textSchema, messagesSchema])));

/** A language's texts are parsed once, when they are first asked for. */
const files: Readonly<Record<(typeof locales)[number], unknown>> = { en };
const loaded = new Map<string, Messages>();

/** All texts of a language: one JSON file per feature in `messages/<locale>/`, under the file's name. A second language is a folder. */
export function loadMessages(locale: string): Messages {
  const known = locales.find((candidate) => candidate === locale) ?? locales[0];
  const messages = loaded.get(known) ?? z.record(z.string(), messagesSchema).parse(files[known]);
  loaded.set(known, messages);
  return messages;
}
