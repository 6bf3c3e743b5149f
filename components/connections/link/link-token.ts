const key = 'crosswalk-set-up-link';

/** Remembers the link of this window while the browser is away at a foreign consent page. Nothing of it reaches the server. */
export function rememberLink(token: string): void {
  window.sessionStorage.setItem(key, token);
}

/** The link that this window came from; null in another window. */
export function rememberedLink(): string | null {
  return window.sessionStorage.getItem(key);
}

export function forgetLink(): void {
  window.sessionStorage.removeItem(key);
}
