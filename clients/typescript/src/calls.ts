/** The unary calls of a service, each repeated where only the way broke and counted once. */

import type {
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { CallOptions } from "@connectrpc/connect";

import type { Asked, Connection } from "./connection.js";
import { newRequestId } from "./request_id.js";

/** Every unary method of a service, by its name in the contract, such as `getTrainJob`. */
export type Calls<S extends DescService> = {
  readonly [
    M in keyof S["method"] as S["method"][M] extends DescMethodUnary ? M : never
  ]: S["method"][M] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, asked?: Asked) => Promise<MessageShape<O>>
    : never;
};

type Once = (request: object, options: CallOptions) => Promise<unknown>;

/**
 * Returns the calls of `service`. A request that has a field `requestId` gets a new one unless the
 * caller gave it.
 */
export function callsOf<S extends DescService>(connection: Connection, service: S): Calls<S> {
  const stub = connection.client(service) as unknown as Record<string, Once>;
  const calls = service.methods
    .filter((method) => method.methodKind === "unary")
    .map(({ localName, input }) => {
      const changes = "requestId" in input.field;
      const once = stub[localName] as Once;
      const call = (given: { requestId?: string }, asked?: Asked) => {
        const request = changes
          ? { ...given, requestId: given.requestId || newRequestId() }
          : given;
        return connection.call((options) => once(request, options), asked);
      };
      return [localName, call] as const;
    });
  return Object.fromEntries(calls) as unknown as Calls<S>;
}
