/** The catalog and the trainer, through the gateway that served this page. */

import { createVertebra } from "@vertebra/client";
import { webTransport } from "@vertebra/client/web";

import { token } from "./token";

export const services = createVertebra({ transport: webTransport(location.origin, { token }) });
