import { createHash } from 'node:crypto';
import { z } from 'zod';
import { CrosswalkError } from '#server/kernel/errors.ts';

export const documentTypes = ['application/pdf', 'image/png', 'image/jpeg'] as const;
export type DocumentType = (typeof documentTypes)[number];

/** 10 MB: a scan of some ten pages. */
export const documentMaxBytes = 10 * 1024 * 1024;

/** A file as a page sends it. The name is for people, its ending decides nothing. */
export const fileSchema = z.object({
  fileName: z.string().max(255),
  base64: z.string().max(Math.ceil(documentMaxBytes / 3) * 4 + 4),
});

export interface DocumentFile {
  readonly fileName: string;
  readonly contentType: DocumentType;
  readonly sha256: string;
  readonly bytes: Buffer;
}

const startsWith = (bytes: Buffer, ...head: number[]) => head.every((byte, at) => bytes[at] === byte);

/** The type by the content: its first bytes, and that it is whole. Null for anything else. */
export function documentTypeOf(bytes: Buffer): DocumentType | null {
  // PDF (ISO 32000-2 §7.5.2, §7.5.5): the header first, `%%EOF` in the last kilobyte.
  if (startsWith(bytes, 0x25, 0x50, 0x44, 0x46, 0x2d)) {
    return bytes.subarray(-1024).includes('%%EOF') ? 'application/pdf' : null;
  }
  // PNG (ISO/IEC 15948 §5.2, §11.2.5): signature, and an IEND chunk at the end.
  if (startsWith(bytes, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) {
    return bytes.subarray(-12).includes('IEND') ? 'image/png' : null;
  }
  // JPEG (ITU-T T.81 §B.2): SOI and a marker, and EOI near the end (some scanners pad).
  if (startsWith(bytes, 0xff, 0xd8, 0xff)) {
    return bytes.subarray(-512).includes(Buffer.from([0xff, 0xd9])) ? 'image/jpeg' : null;
  }
  return null;
}

const endings: Readonly<Record<DocumentType, string>> = {
  'application/pdf': 'pdf',
  'image/png': 'png',
  'image/jpeg': 'jpg',
};

/** A name that any disk takes: no path, no control or reserved character, the ending that its content has. */
export function cleanFileName(name: string, type: DocumentType): string {
  const base = name
    .normalize('NFC')
    .replace(/^.*[\\/]/, '')
    .replace(/\.[A-Za-z0-9]{1,5}$/, '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
    .replaceAll(/[\u0000-\u001F\u007F"*:<>?|%\u202A-\u202E\u2066-\u2069]/g, '')
    .replace(/^[.\s]+/, '')
    .trim()
    .slice(0, 120);
  return `${base === '' ? 'document' : base}.${endings[type]}`;
}

/** Reads an uploaded file; `file-refused` with `problem` empty, too-large or wrong-type. */
export function readDocumentFile(file: z.output<typeof fileSchema>): DocumentFile {
  const refuse = (problem: string) => new CrosswalkError('file-refused', { details: { problem } });
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(file.base64)) throw refuse('wrong-type');
  const bytes = Buffer.from(file.base64, 'base64');
  if (bytes.length === 0) throw refuse('empty');
  if (bytes.length > documentMaxBytes) throw refuse('too-large');
  const contentType = documentTypeOf(bytes);
  if (contentType === null) throw refuse('wrong-type');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { fileName: cleanFileName(file.fileName, contentType), contentType, sha256, bytes };
}
