import { z } from 'zod';

const takenSchema = z.object({
  version: z.string(),
  syncRunId: z.string().nullable(),
  files: z.array(z.object({ name: z.string(), state: z.string(), mode: z.string().nullable() })),
  problems: z.array(
    z.object({
      code: z.string(),
      file: z.string(),
      line: z.number().nullable(),
      column: z.string().nullable(),
      found: z.string().nullable(),
    }),
  ),
});
const refusedSchema = z.object({ code: z.string(), details: z.record(z.string(), z.unknown()) });

export type Taken = z.infer<typeof takenSchema>;
export type Sent =
  | { readonly kind: 'taken'; readonly taken: Taken }
  | { readonly kind: 'refused'; readonly code: string; readonly details: Readonly<Record<string, unknown>> }
  | { readonly kind: 'stopped' };

/** Sends a file as it stands and tells how much of it has left; `fetch` could not. */
export function sendPackage(
  of: { readonly schoolId: string; readonly systemId: string; readonly linkToken: string | null },
  file: File,
  { onProgress, signal }: { onProgress: (sent: number) => void; signal: AbortSignal },
): Promise<Sent> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open('POST', `/api/schools/${of.schoolId}/systems/${of.systemId}/packages`);
    request.setRequestHeader('content-type', 'application/zip');
    request.setRequestHeader('x-file-name', encodeURIComponent(file.name));
    if (of.linkToken !== null) request.setRequestHeader('x-crosswalk-link', of.linkToken);
    request.upload.addEventListener('progress', ({ loaded }) => onProgress(loaded));
    request.addEventListener('load', () => resolve(answerOf(request.responseText)));
    request.addEventListener('error', () => resolve({ kind: 'refused', code: 'offline', details: {} }));
    request.addEventListener('abort', () => resolve({ kind: 'stopped' }));
    signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}

function answerOf(text: string): Sent {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return { kind: 'refused', code: 'internal', details: {} };
  }
  const taken = takenSchema.safeParse(answer);
  if (taken.success) return { kind: 'taken', taken: taken.data };
  const refused = refusedSchema.safeParse(answer);
  return refused.success ? { kind: 'refused', ...refused.data } : { kind: 'refused', code: 'internal', details: {} };
}
