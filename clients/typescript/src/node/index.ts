/** The way from Node: gRPC over HTTP/2, with pings, TLS and tokens. */

export * from "./node_transport.js";
