/** Hands a text to the browser as a file to keep. */
export function saveFile({
  fileName,
  contentType,
  body,
}: {
  fileName: string;
  contentType: string;
  body: string;
}): void {
  const url = URL.createObjectURL(new Blob([body], { type: contentType }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  // The download reads the address after this call returns.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
