/** The token that a guarded gateway wants. It stays in this tab and goes when the tab does. */

const KEY = "vertebra.token";

/** Returns the token; undefined where none was given. */
export function token(): string | undefined {
  return sessionStorage.getItem(KEY) ?? undefined;
}

/** Whether it can travel in a header: what was copied with invisible characters cannot. */
export function canBeSent(given: string): boolean {
  return /^[!-~]*$/.test(given.trim());
}

/** Keeps the token until the tab is closed; an empty one is forgotten. */
export function keepToken(given: string): void {
  if (given.trim()) sessionStorage.setItem(KEY, given.trim());
  else sessionStorage.removeItem(KEY);
}
