/** Every message of the contract, as Python wrote it, read and written again. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  createRegistry,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";

import * as blob from "../src/v1/blob.js";
import * as catalog from "../src/v1/catalog.js";
import * as diagnostics from "../src/v1/diagnostics.js";
import * as model from "../src/v1/model.js";
import * as trainer from "../src/v1/trainer.js";
import { given } from "./given.js";

interface Sample {
  readonly message: string;
  readonly choice: string;
  readonly json: JsonValue;
  /** Base64. */
  readonly wire: string;
}

const { samples } = given<{ samples: Sample[] }>();
const files = [blob, catalog, diagnostics, model, trainer].flatMap((area) =>
  Object.entries(area)
    .filter(([name]) => name.startsWith("file_"))
    .map(([, file]) => file as Parameters<typeof createRegistry>[0]),
);
const registry = createRegistry(...files);

function typeOf(name: string): DescMessage {
  const found = registry.getMessage(name);
  assert.ok(found, `no type for ${name}`);
  return found;
}

test("the wire form of every message means the same", () => {
  assert.ok(samples.length > 200);
  for (const { message, choice, json, wire } of samples) {
    const type = typeOf(message);
    const read = fromBinary(type, Buffer.from(wire, "base64"));
    assert.deepEqual(toJson(type, read, { registry }), json, `${message} ${choice}`);
  }
});

test("the JSON form of every message gives the same bytes", () => {
  for (const { message, choice, json, wire } of samples) {
    const type = typeOf(message);
    const written = toBinary(type, fromJson(type, json, { registry }));
    const read = toJson(type, fromBinary(type, written), { registry });
    assert.deepEqual(read, json, `${message} ${choice}`);
    assert.equal(written.length, Buffer.from(wire, "base64").length, `${message} ${choice}`);
  }
});
