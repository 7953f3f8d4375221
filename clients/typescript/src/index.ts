/** vertebra's catalog and trainer for Node and browsers; messages are in `@vertebra/client/v1/*`. */

export * from "./blob_client.js";
export * from "./calls.js";
export * from "./catalog_client.js";
export * from "./checksums.js";
export * from "./connection.js";
export * from "./event_cursor.js";
export * from "./failures.js";
export * from "./pace.js";
export * from "./request_id.js";
export * from "./trainer_client.js";
export * from "./vertebra.js";
