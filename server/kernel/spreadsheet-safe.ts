/**
 * A text that a spreadsheet shows and does not compute (OWASP, "CSV injection"): what would begin a formula gets an
 * apostrophe before it; so does white space that hides one. Numbers that are text stay as they are.
 */
export function spreadsheetSafe(text: string): string {
  return /^[\s\0]*[=+\-@\t\r\n|％＝＋－＠]/.test(text) && !/^[+-]?\d+(?:[.,]\d+)?$/.test(text) ? `'${text}` : text;
}
