/** The way from Node: gRPC over HTTP/2, with pings, TLS and tokens, and files down and up. */

export * from "./checkpoints.js";
export * from "./credentials.js";
export * from "./download.js";
export * from "./node_transport.js";
export * from "./upload.js";
