/** The name of whoever would receive, or the word for its kind where there is no name yet. */
export function nameInSentence(kind: string, name: string): string {
  return name === '' ? kind : name;
}
