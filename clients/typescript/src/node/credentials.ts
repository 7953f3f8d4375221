/**
 * What a client shows a service, and what it wants to see: certificates, tokens, names.
 *
 * Files are read again when they change: certificates and tokens are renewed while programs run. A
 * token leaves this machine only encrypted.
 */

import { statSync } from "node:fs";
import { isIPv4 } from "node:net";
import { homedir } from "node:os";

/** Credentials that contradict themselves, or files that cannot be read. */
export class CredentialsUnusable extends Error {
  override name = "CredentialsUnusable";
}

/** How to reach a service that wants more than an address. */
export interface Credentials {
  /** Encrypt, and believe certificates that Node's authorities vouch for. */
  readonly tls?: boolean;
  /** PEM file of the authorities to believe instead; means `tls`. */
  readonly ca?: string;
  /** PEM file of our own certificate, with what links it to its authority; means `tls`. */
  readonly cert?: string;
  /** PEM file of its private key. */
  readonly key?: string;
  /** Sent with every call. A file is better: it can be renewed while a program runs. */
  readonly token?: string;
  /** File with the token; read again when it changes. */
  readonly tokenFile?: string;
  /** The name in the service's certificate, where it is not the address. */
  readonly serverName?: string;
}

/**
 * Returns what VERTEBRA_TLS, _CA, _CERT, _KEY, _TOKEN, _TOKEN_FILE and _SERVER_NAME say, as the
 * command line reads them.
 *
 * @throws CredentialsUnusable VERTEBRA_TLS is neither yes nor no.
 */
export function credentialsFromEnvironment(variables = process.env): Credentials {
  const said = (name: string): string => variables[`VERTEBRA_${name}`]?.trim() ?? "";
  const path = (name: string): string => said(name).replace(/^~(?=\/)/, homedir());
  const tls = said("TLS").toLowerCase();
  if (!/^(1|true|yes|on|0|false|no|off|)$/.test(tls)) {
    throw new CredentialsUnusable(`VERTEBRA_TLS is 1 or 0, not '${tls}'`);
  }
  return {
    tls: /^(1|true|yes|on)$/.test(tls),
    ca: path("CA"),
    cert: path("CERT"),
    key: path("KEY"),
    token: said("TOKEN"),
    tokenFile: path("TOKEN_FILE"),
    serverName: said("SERVER_NAME"),
  };
}

export function isEncrypted({ tls, ca, cert }: Credentials): boolean {
  return Boolean(tls || ca || cert);
}

/**
 * Checks that credentials fit together and may be shown to `address`.
 *
 * @throws CredentialsUnusable a certificate without its key, two tokens, or a token in plain text.
 */
export function requireFit(credentials: Credentials, address: string): void {
  const { cert, key, token, tokenFile, serverName } = credentials;
  if (!cert !== !key) {
    const [given, missing] = key ? ["a key", "certificate"] : ["a certificate", "key"];
    throw new CredentialsUnusable(`${given} without its ${missing}: give both files`);
  }
  if (token && !isToken(token)) {
    throw new CredentialsUnusable("the token is not one word of ASCII: nobody could send it");
  }
  if (token && tokenFile) {
    throw new CredentialsUnusable("a token and a token file: give one of them");
  }
  if (isEncrypted(credentials)) return;
  if (serverName) {
    throw new CredentialsUnusable("a server name without TLS: nothing would compare it");
  }
  if ((token || tokenFile) && !isLoopback(address)) {
    throw new CredentialsUnusable(
      `the token is not sent to ${address} in plain text: give the authority of its certificate ` +
        "(ca), or tls where Node knows it already",
    );
  }
}

/** Returns whether a text can be sent as a token. */
export function isToken(text: string): boolean {
  return /^[!-~]+$/.test(text);
}

/** Returns whether calls to `host:port` cannot leave this machine. */
export function isLoopback(address: string): boolean {
  const host = address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

/** Returns a text that changes when one of the files does; the last one where one is missing. */
export function stampOf(files: readonly (string | undefined)[], last = ""): string {
  try {
    return files
      .filter((file) => file !== undefined && file !== "")
      .map((file) => statSync(file as string, { bigint: true }))
      .map(({ ino, size, mtimeNs }) => `${ino}.${size}.${mtimeNs}`)
      .join(" ");
  } catch {
    return last;
  }
}
