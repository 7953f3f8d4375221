/**
 * The catalog and the trainer, through the gateway that served this page.
 *
 * One that is away is not waited for silently: the page says so, and asks again (`health`).
 */

import { createVertebra } from "@vertebra/client";
import { webTransport } from "@vertebra/client/web";

import { token } from "./token";

export const services = createVertebra({
  transport: webTransport(location.origin, { token }),
  pace: { awayPatienceMs: 0 },
});
