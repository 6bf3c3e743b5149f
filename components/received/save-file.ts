/** Hands a file that was made on request to the browser, to keep under its name. */
export function saveFile(file: { fileName: string; contentType: string; body: string }): void {
  const url = URL.createObjectURL(new Blob([file.body], { type: file.contentType }));
  const link = document.createElement('a');
  link.href = url;
  link.download = file.fileName;
  link.click();
  URL.revokeObjectURL(url);
}
