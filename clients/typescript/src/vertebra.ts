/** Both services as one object: `createVertebra({ transport })`. */

import type { Transport } from "@connectrpc/connect";

import { CatalogClient } from "./catalog_client.js";
import { Connection } from "./connection.js";
import type { Pace } from "./pace.js";
import { TrainerClient } from "./trainer_client.js";

/** Says which service is meant where both have it and a gateway answers for both: blobs. */
const SERVICE = "x-vertebra-service";

/** A transport that knows where it leads; `nodeTransport` and `webTransport` make them. */
export interface Way extends Transport {
  readonly address?: string;
  /** Ends its connections; calls under way end. */
  close?(): void;
}

export interface VertebraOptions {
  /** The way to both services, through a gateway; or the way to whichever is not named below. */
  readonly transport?: Way;
  readonly catalog?: Way;
  readonly trainer?: Way;
  /** Deadline of every call that is not a stream. */
  readonly timeoutMs?: number;
  /** How streams wait and when they give up. */
  readonly pace?: Partial<Pace>;
}

export interface Vertebra {
  readonly catalog: CatalogClient;
  readonly trainer: TrainerClient;
  /** Ends the connections; jobs go on. */
  close(): void;
}

/**
 * Returns clients of both services.
 *
 * @throws RangeError no way leads to one of them.
 */
export function createVertebra(options: VertebraOptions): Vertebra {
  const catalog = wayTo("catalog", options);
  const trainer = wayTo("trainer", options);
  return {
    catalog: new CatalogClient(connect(catalog, "catalog", options)),
    trainer: new TrainerClient(connect(trainer, "trainer", options)),
    close() {
      for (const way of new Set([catalog, trainer])) way.close?.();
    },
  };
}

function wayTo(service: "catalog" | "trainer", options: VertebraOptions): Way {
  const way = options[service] ?? options.transport;
  if (way) return way;
  throw new RangeError(`no way to the ${service}: give 'transport' (a gateway) or '${service}'`);
}

function connect(transport: Way, service: string, options: VertebraOptions): Connection {
  const address = transport.address ?? `the ${service}`;
  const { timeoutMs, pace } = options;
  return new Connection({ transport, address, timeoutMs, pace, headers: { [SERVICE]: service } });
}
