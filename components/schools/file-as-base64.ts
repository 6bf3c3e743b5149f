/** A chosen file as the procedures take it: base64 without the `data:` in front. */
export function fileAsBase64(file: File): Promise<string> {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => {
      const text = typeof reader.result === 'string' ? reader.result : '';
      done(text.slice(text.indexOf(',') + 1));
    };
    reader.onerror = () => fail(reader.error ?? new Error('unreadable file'));
    reader.readAsDataURL(file);
  });
}

/** Hands bytes to the browser as a download. */
export function download(fileName: string, base64: string, type: string): void {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  URL.revokeObjectURL(url);
}
