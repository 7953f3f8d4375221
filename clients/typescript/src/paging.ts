/** Walks through the pages of a list call. */

import type { Connection } from "./connection.js";
import { AnswerRefused } from "./failures.js";

const PAGE_SIZE = 200;

interface Page {
  readonly nextPageToken: string;
}

/** Which page is wanted. */
export interface Wanted {
  readonly pageSize: number;
  readonly pageToken: string;
}

/**
 * Yields the items of every page; the next page is asked for when it is needed.
 *
 * @throws RpcFailed the service refused the filter, the order or the token.
 * @throws AnswerRefused a page token came twice, so the list would never end.
 */
export async function* itemsOfPages<P extends Page, Item>(
  connection: Connection,
  ask: (wanted: Wanted) => Promise<P>,
  items: (page: P) => readonly Item[],
): AsyncGenerator<Item, void, undefined> {
  const seen = new Set<string>();
  for (let pageToken = ""; ;) {
    const page = await ask({ pageSize: PAGE_SIZE, pageToken });
    yield* items(page);
    pageToken = page.nextPageToken;
    if (!pageToken) return;
    if (seen.has(pageToken)) {
      throw new AnswerRefused(`${connection.address} gave the same page token twice`);
    }
    seen.add(pageToken);
  }
}
