/** The way from Node: gRPC over HTTP/2, with pings, TLS and tokens, and downloads to files. */

export * from "./credentials.js";
export * from "./download.js";
export * from "./node_transport.js";
