/**
 * Who answers: each service is asked every few seconds, sooner while it is silent.
 *
 * What failed because a service was away is asked again when it is back: `useAsked` looks at
 * `returns`.
 */

import { Code, type RpcFailed, toRpcFailed } from "@vertebra/client";
import { ArchitectureService } from "@vertebra/client/v1/catalog";
import { type Capacity, TrainJobService } from "@vertebra/client/v1/trainer";

import { whyRefused } from "./plain_words";
import { services } from "./services";

export type ServiceName = "catalog" | "trainer";

/** How a service stands. */
export interface Standing {
  readonly state: "unknown" | "answers" | "silent" | "refuses" | "fails";
  /** Why it refuses or fails. */
  readonly why: string;
}

export interface Health {
  readonly catalog: Standing;
  readonly trainer: Standing;
  /** What there is to train on, as last heard. */
  readonly capacity: Capacity | undefined;
  /** How often a service came back. */
  readonly returns: number;
}

const EVERY_MS = 5_000;
const WHILE_SILENT_MS = 1_500;
const TIMEOUT_MS = 4_000;
const UNKNOWN: Standing = { state: "unknown", why: "" };
const ANSWERS: Standing = { state: "answers", why: "" };

let health: Health = { catalog: UNKNOWN, trainer: UNKNOWN, capacity: undefined, returns: 0 };
const listeners = new Set<() => void>();

/** Returns how both services stand now. */
export function healthNow(): Health {
  return health;
}

/** Calls `told` whenever that changes; returns what ends it. */
export function onHealth(told: () => void): () => void {
  listeners.add(told);
  return () => listeners.delete(told);
}

/** Asks both services for as long as the page is there. */
export function watchHealth(): void {
  const options = { timeoutMs: TIMEOUT_MS };
  const catalog = services.catalog.connection.client(ArchitectureService);
  const trainer = services.trainer.connection.client(TrainJobService);
  void keepAsking("catalog", async () => {
    await catalog.listArchitectures({ pageSize: 1 }, options);
  });
  void keepAsking("trainer", async () => {
    const { capacity } = await trainer.getCapacity({}, options);
    tell({ capacity });
  });
}

/** What ends a service's wait for the next time that it is asked. */
const wake = new Map<ServiceName, () => void>();

/** Asks a service now: something was done that changes what it says, such as a job that begins. */
export function askNow(name: ServiceName): void {
  wake.get(name)?.();
}

async function keepAsking(name: ServiceName, ask: () => Promise<void>): Promise<never> {
  for (;;) {
    if (!document.hidden) stands(name, await standing(ask));
    const answers = health[name].state === "answers";
    await new Promise<void>((done) => {
      wake.set(name, done);
      setTimeout(done, answers ? EVERY_MS : WHILE_SILENT_MS);
    });
  }
}

async function standing(ask: () => Promise<void>): Promise<Standing> {
  try {
    await ask();
    return ANSWERS;
  } catch (thrown) {
    const failure = toRpcFailed(thrown, location.host);
    const state = stateOf(failure);
    return { state, why: state === "refuses" ? whyRefused(failure) : failure.message };
  }
}

/** By codes; a service or a gateway that answers anything else is broken. */
const STATES_OF_CODES: Partial<Record<Code, Standing["state"]>> = {
  [Code.Unauthenticated]: "refuses",
  [Code.PermissionDenied]: "refuses",
  [Code.Unavailable]: "silent",
  [Code.DeadlineExceeded]: "silent",
  [Code.ResourceExhausted]: "answers",
};

function stateOf({ code, isBreak }: RpcFailed): Standing["state"] {
  return STATES_OF_CODES[code] ?? (isBreak ? "silent" : "fails");
}

function stands(name: ServiceName, now: Standing): void {
  const before = health[name].state;
  const isBack = now.state === "answers" && before !== "answers" && before !== "unknown";
  tell({ [name]: now, ...(isBack && { returns: health.returns + 1 }) });
}

function tell(changed: Partial<Health>): void {
  health = { ...health, ...changed };
  for (const listener of listeners) listener();
}
