/** Certificates, tokens and names: shown, renewed, and never given away. */

import assert from "node:assert/strict";
import { cp, utimes, writeFile } from "node:fs/promises";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { connectNodeAdapter } from "@connectrpc/connect-node";

import { createVertebra, HandshakeFailed } from "../src/index.js";
import {
  type Credentials,
  credentialsFromEnvironment,
  CredentialsUnusable,
  nodeTransport,
} from "../src/node/index.js";
import { callsOf } from "../src/calls.js";
import { PathService } from "../src/v1/diagnostics.js";
import { TrainJobService } from "../src/v1/trainer.js";
import { given, QUICK } from "./given.js";

interface Doors {
  /** A catalog that wants certificates of `ca`. */
  readonly catalog: string;
  readonly folder: string;
}

const { catalog, folder } = given<Doors>();
const file = (name: string) => join(folder, name);
const ANN: Credentials = { ca: file("ca.pem"), cert: file("ann.pem"), key: file("ann.key") };

/** Returns whom the service takes a caller with these credentials for, as often as it is called. */
function asking(credentials: Credentials, address = catalog): () => Promise<string> {
  const { connection } = createVertebra({
    transport: nodeTransport(address, credentials),
    pace: QUICK,
  }).catalog;
  const path = callsOf(connection, PathService);
  return async () => (await path.echo({})).principal;
}

/** A trainer in plain text that answers with the token it was shown. */
const plain = createServer(
  connectNodeAdapter({
    routes: (router) =>
      router.service(TrainJobService, {
        getTrainJob: (_, { requestHeader }) => ({
          job: { stateReason: requestHeader.get("authorization") ?? "" },
        }),
      }),
  }),
);
await new Promise<void>((listening) => plain.listen(0, "127.0.0.1", listening));
const plainAddress = `127.0.0.1:${(plain.address() as AddressInfo).port}`;
const sessions = new Set<ServerHttp2Session>();
plain.on("session", (session) => sessions.add(session));
after(() => {
  plain.close();
  for (const session of sessions) session.destroy();
});

test("a certificate says who calls", async () => {
  assert.equal(await asking(ANN)(), "spiffe://studio/ann");
});

test("a certificate that is replaced counts from the next call on", async () => {
  const mine = { ...ANN, cert: file("mine.pem"), key: file("mine.key") };
  await cp(file("ann.pem"), mine.cert);
  await cp(file("ann.key"), mine.key);
  const who = asking(mine);
  assert.equal(await who(), "spiffe://studio/ann");
  await cp(file("bob.pem"), mine.cert);
  await cp(file("bob.key"), mine.key);
  assert.equal(await who(), "spiffe://studio/bob");
});

test("files that are half-written leave the last certificate valid", async () => {
  const mine = { ...ANN, cert: file("half.pem"), key: file("half.key") };
  await cp(file("ann.pem"), mine.cert);
  await cp(file("ann.key"), mine.key);
  const who = asking(mine);
  await who();
  await writeFile(mine.cert, "-----BEGIN");
  assert.equal(await who(), "spiffe://studio/ann");
  await cp(file("bob.pem"), mine.cert);
  await cp(file("bob.key"), mine.key);
  assert.equal(await who(), "spiffe://studio/bob");
});

for (const [what, credentials, told] of [
  ["no certificate", { ca: ANN.ca! }, /a certificate of yours that it believes/],
  [
    "another authority's certificate",
    { ...ANN, ca: file("other_ca.pem") },
    /authority that is not believed/,
  ],
  ["another name", { ...ANN, serverName: "other.example" }, /certificate for another name/],
] as const) {
  test(`a handshake with ${what} says what would be right`, async () => {
    await assert.rejects(asking(credentials), (error) => {
      assert.ok(error instanceof HandshakeFailed, String(error));
      assert.match(error.message, told);
      return true;
    });
  });
}

test("TLS to a service without it says so", async () => {
  await assert.rejects(asking({ ca: ANN.ca! }, plainAddress), (error) => {
    assert.ok(error instanceof HandshakeFailed, String(error));
    assert.match(error.message, /does not speak TLS/);
    return true;
  });
});

test("plain text to a service with TLS says what may be wanted", async () => {
  await assert.rejects(asking({}), (error) => {
    assert.ok(error instanceof HandshakeFailed, String(error));
    assert.match(error.message, /it may want TLS/);
    return true;
  });
});

test("a token is on every call, and read again when its file changes", async () => {
  const tokenFile = file("token");
  await writeFile(tokenFile, "first\n");
  const { trainer } = createVertebra({ transport: nodeTransport(plainAddress, { tokenFile }) });
  assert.equal((await trainer.get("any")).stateReason, "Bearer first");
  await writeFile(tokenFile, "second\n");
  await utimes(tokenFile, 1, 1);
  assert.equal((await trainer.get("any")).stateReason, "Bearer second");
});

test("a token file that holds no token now leaves the last one", async () => {
  const tokenFile = file("half-token");
  await writeFile(tokenFile, "first");
  const { trainer } = createVertebra({ transport: nodeTransport(plainAddress, { tokenFile }) });
  for (const [second, wrong] of ["", "two words", "täglich"].entries()) {
    await writeFile(tokenFile, wrong);
    await utimes(tokenFile, second + 1, second + 1);
    assert.equal((await trainer.get("any")).stateReason, "Bearer first");
  }
});

test("a token file without a token is an error at once", async () => {
  const tokenFile = file("no-token");
  await writeFile(tokenFile, "");
  assert.throws(() => nodeTransport(plainAddress, { tokenFile }), /does not hold a token/);
});

test("the environment says what the command line would show", () => {
  const { ca, tokenFile, tls } = credentialsFromEnvironment({
    VERTEBRA_CA: "~/ca.pem",
    VERTEBRA_TOKEN_FILE: "/run/token",
  });
  assert.deepEqual([ca, tokenFile, tls], [join(homedir(), "ca.pem"), "/run/token", false]);
});

test("calls on this machine go through no proxy", async () => {
  for (const name of ["http_proxy", "https_proxy", "all_proxy"]) {
    process.env[name] = process.env[name.toUpperCase()] = "http://127.0.0.1:1";
  }
  process.env["NODE_USE_ENV_PROXY"] = "1";
  const { trainer } = createVertebra({ transport: nodeTransport(plainAddress), pace: QUICK });
  assert.equal((await trainer.get("any")).stateReason, "");
});

for (const [what, credentials] of [
  ["a token in plain text", { token: "secret" }],
  ["a certificate without its key", { cert: file("ann.pem") }],
  ["a token that cannot be sent", { tls: true, token: "secret and more" }],
  ["two tokens", { tls: true, token: "one", tokenFile: file("token") }],
  ["a server name without TLS", { serverName: "catalog" }],
  ["a file that is not there", { ca: file("nowhere") }],
] as const) {
  test(`credentials with ${what} are refused before anything is sent`, () => {
    const make = () => nodeTransport("catalog.example:443", credentials);
    assert.throws(make, (error) => {
      assert.ok(error instanceof CredentialsUnusable);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });
}
