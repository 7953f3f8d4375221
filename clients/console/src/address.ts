/** Where in the console one is: the path names the page, the query what is looked at on it. */

import { useSyncExternalStore } from "preact/compat";

const MOVED = "addresschange";

/** Path and query, such as `/jobs?name=trainJobs/9f3c`. */
export interface Address {
  readonly path: string;
  readonly query: URLSearchParams;
}

let known: Address = read();

function read(): Address {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

function reread(): void {
  known = read();
  window.dispatchEvent(new Event(MOVED));
}

window.addEventListener("popstate", reread);

/** Returns the address, which follows the browser's buttons and `go`. */
export function useAddress(): Address {
  return useSyncExternalStore(
    (told) => {
      window.addEventListener(MOVED, told);
      return () => window.removeEventListener(MOVED, told);
    },
    () => known,
  );
}

/** Returns the address of a page; settings without a value are left out. */
export function addressOf(path: string, query: Record<string, string | undefined> = {}): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => !!pair[1]);
  const text = new URLSearchParams(given).toString().replaceAll("%2F", "/");
  return text ? `${path}?${text}` : path;
}

/** Goes to an address of the console; `replace` leaves no step to go back to. */
export function go(address: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  reread();
}
