/** What the program that started these tests says: addresses and files. */

import { readFileSync } from "node:fs";

import { createVertebra, type Vertebra } from "../src/index.js";
import { nodeTransport } from "../src/node/index.js";
import type { Pace } from "../src/pace.js";

/** Waits that a test can afford; patient enough for a busy machine. */
export const QUICK: Partial<Pace> = { firstWaitMs: 5, longestWaitMs: 50, firstPatienceMs: 200 };

/** Returns a JSON value that tests/clients/typescript wrote. */
export function given<T>(): T {
  const file = process.env["VERTEBRA_TEST_GIVEN"];
  if (!file) throw new Error("run these by pytest: tests/clients/typescript");
  return JSON.parse(readFileSync(file, "utf8")) as T;
}

/** Returns clients whose two services are the one at `address`. */
export function clientsOf(address: string, pace: Partial<Pace> = QUICK): Vertebra {
  return createVertebra({ transport: nodeTransport(address), pace });
}

/** Returns all that an async iterable brings. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
