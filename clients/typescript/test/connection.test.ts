/** How calls are repeated, without a network. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";

import { createVertebra, newRequestId, RpcFailed, specFromJson } from "../src/index.js";
import { CheckpointService } from "../src/v1/catalog.js";
import { TrainJobService } from "../src/v1/trainer.js";
import { all, QUICK } from "./given.js";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("a call is made four times, and then its failure counts", async () => {
  const { trainer, calls } = failing(Code.Unavailable);
  await assert.rejects(trainer.get("any"), RpcFailed);
  assert.equal(calls.length, 4);
});

test("a refusal is final", async () => {
  const { trainer, calls } = failing(Code.PermissionDenied);
  await assert.rejects(trainer.get("any"), { code: Code.PermissionDenied });
  assert.equal(calls.length, 1);
});

test("a service that fails every call is not asked again for each", async () => {
  const { trainer, calls } = failing(Code.Unavailable);
  for (let count = 0; count < 10; count++) await assert.rejects(trainer.get("any"));
  assert.ok(calls.length < 20, `${calls.length} calls`);
});

test("every call that changes something carries a request id of its own", async () => {
  const ids: string[] = [];
  const transport = createRouterTransport(({ service }) => {
    service(CheckpointService, {
      deleteCheckpoint: ({ requestId }) => {
        ids.push(requestId);
        return {};
      },
    });
  });
  const { checkpoints } = createVertebra({ transport }).catalog;
  await checkpoints.deleteCheckpoint({ name: "one" });
  await checkpoints.deleteCheckpoint({ name: "one" });
  await checkpoints.deleteCheckpoint({ name: "one", requestId: "mine" });
  assert.match(ids[0]!, UUID);
  assert.notEqual(ids[0], ids[1]);
  assert.equal(ids[2], "mine");
});

test("a request id is a random UUID", () => {
  const ids = Array.from({ length: 100 }, newRequestId);
  for (const id of ids) assert.match(id, UUID);
  assert.equal(new Set(ids).size, 100);
});

test("a list that never ends is refused", async () => {
  const transport = createRouterTransport(({ service }) => {
    service(TrainJobService, { listTrainJobs: () => ({ nextPageToken: "again" }) });
  });
  const { trainer } = createVertebra({ transport, pace: QUICK });
  await assert.rejects(all(trainer.list()), { reason: "ANSWER_REFUSED" });
});

test("which service is meant is said on every call", async () => {
  const said: (string | null)[] = [];
  const transport = createRouterTransport(({ service }) => {
    service(TrainJobService, {
      getTrainJob: (_, { requestHeader }) => {
        said.push(requestHeader.get("x-vertebra-service"));
        return { job: {} };
      },
    });
  });
  await createVertebra({ transport }).trainer.get("any");
  assert.deepEqual(said, ["trainer"]);
});

test("an experiment file is read, and a misspelt field refused", () => {
  const spec = specFromJson({ model: { backbone: "resnet50" }, num_epochs: 3 });
  assert.equal(spec.numEpochs, 3);
  assert.throws(() => specFromJson({ num_epoch: 3 }), /num_epoch/);
});

/** Returns a trainer that answers nothing but a failure, and what it was asked. */
function failing(code: Code) {
  const calls: string[] = [];
  const transport = createRouterTransport(({ service }) => {
    service(TrainJobService, {
      getTrainJob: ({ name }) => {
        calls.push(name);
        throw new ConnectError("not now", code);
      },
    });
  });
  return { trainer: createVertebra({ transport, pace: QUICK }).trainer, calls };
}
