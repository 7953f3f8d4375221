/** The real services, by gRPC to each, by gRPC through the gateway, and by gRPC-Web through it. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { toJson } from "@bufbuild/protobuf";

import {
  type BuildRequest,
  Code,
  createVertebra,
  RpcFailed,
  type Spec,
  type Vertebra,
} from "../src/index.js";
import { download, nodeTransport, saveTensors } from "../src/node/index.js";
import { Role } from "../src/v1/model.js";
import { JobState, TrainEventSchema } from "../src/v1/trainer.js";
import { webTransport } from "../src/web/index.js";
import { all, given } from "./given.js";

type BuildSpec = NonNullable<BuildRequest["spec"]>;

interface Live {
  readonly catalog: string;
  readonly trainer: string;
  readonly gateway: string;
  readonly folder: string;
}

const { catalog, trainer, gateway, folder } = given<Live>();

/** Beyond what any call needs on a machine that is busy with other things. */
const PATIENT = { timeoutMs: 240_000, pace: { firstPatienceMs: 60_000 } };

const CLIENTS: Record<string, Vertebra> = {
  gRPC: createVertebra({
    catalog: nodeTransport(catalog),
    trainer: nodeTransport(trainer),
    ...PATIENT,
  }),
  "gRPC through Envoy": createVertebra({ transport: nodeTransport(gateway), ...PATIENT }),
  "gRPC-Web through Envoy": createVertebra({
    transport: webTransport(`http://${gateway}`),
    ...PATIENT,
  }),
};

const MODEL: BuildSpec = {
  backbone: "shufflenet_v2_x0_5",
  pretrained: false,
  imageHeightPx: 32,
  imageWidthPx: 32,
  task: { case: "classification", value: { numClasses: 10 } },
};

const SPEC: Spec = {
  displayName: "from TypeScript",
  model: MODEL,
  dataset: { source: { case: "bundledDigits", value: {} }, dataRatio: 0.05 },
  numEpochs: 1,
  batchSize: 8,
  seed: 3n,
};

for (const way of ["gRPC", "gRPC through Envoy", "gRPC-Web through Envoy"]) {
  const vertebra = CLIENTS[way]!;

  test(`${way}: lists, a page at a time`, async () => {
    const filter = 'family = "resnet"';
    const names = (await all(vertebra.catalog.listArchitectures({ filter }))).map(
      (one) => one.name,
    );
    assert.ok(names.includes("architectures/resnet50"), names.join());
    assert.ok((await all(vertebra.catalog.listWeights())).length > 100);
  });

  test(`${way}: a built model's tensors are one verified safetensors file`, async () => {
    const steps: string[] = [];
    const { catalog } = vertebra;
    const onProgress = () => steps.push("progress");
    const model = await catalog.buildModel({ spec: MODEL }, { onProgress });
    const path = join(folder, `${way}.safetensors`);
    await saveTensors(catalog.blobs, { name: model.name, role: Role.BACKBONE }, path);
    const header = await headerOf(path);
    assert.ok("conv1.0.weight" in header, Object.keys(header).slice(0, 5).join());
    assert.ok(!("fc.weight" in header));
  });

  test(`${way}: a refusal has the same code, reason and problems`, async () => {
    await assert.rejects(vertebra.trainer.plan({}), (error) => {
      assert.ok(error instanceof RpcFailed);
      assert.equal(error.code, Code.InvalidArgument);
      assert.equal(error.reason, "FIELD_INVALID");
      assert.ok(error.violations.some(({ field }) => field === "spec.model.backbone"));
      return true;
    });
  });

  test(`${way}: weights that are nowhere come with their trail`, async () => {
    const name = "torchvision/ResNet18_Weights.IMAGENET1K_V1";
    await assert.rejects(vertebra.catalog.ensureWeights(name), (error) => {
      assert.ok(error instanceof RpcFailed);
      assert.equal(error.reason, "WEIGHTS_UNAVAILABLE");
      assert.ok(error.metadata["step.1"], JSON.stringify(error.metadata));
      return true;
    });
  });
}

test("one job, watched by three ways at once, tells all of them the same", async () => {
  const [direct, proxied, web] = Object.values(CLIENTS).map((one) => one.trainer);
  const job = await direct!.create(SPEC);
  const told = await Promise.all([direct!, proxied!, web!].map((one) => all(one.watch(job.name))));
  const [first, ...others] = told.map((events) =>
    events.map((one) => toJson(TrainEventSchema, one)),
  );
  for (const other of others) assert.deepEqual(other, first);
  await writeFile(join(folder, "events.json"), JSON.stringify({ job: job.name, events: first }));
  const { state, stateReason } = await web!.wait(job.name);
  assert.equal(state, JobState.SUCCEEDED, stateReason);
});

test("what a job exported comes verified, through the gateway, from the trainer's store", async () => {
  const { trainer } = CLIENTS["gRPC-Web through Envoy"]!;
  const [job] = await all(trainer.list());
  const [exported] = await all(trainer.listExports(job!.name));
  const blob = exported!.files.find((file) => file.path.endsWith("backbone.safetensors"))!.blob!;
  const path = await download(trainer.blobs, blob.name, join(folder, "backbone.safetensors"));
  const sha256 = createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
  assert.equal(`sha256:${sha256}`, blob.digest);
  assert.equal((await trainer.blobs.readAll(blob.name)).size, Number(blob.sizeBytes));
});

test("the same request id again gives the same job", async () => {
  const { trainer } = CLIENTS["gRPC"]!;
  const requestId = "0f8fad5b-d9cb-469f-a165-70867728950e";
  const [first, again] = [
    await trainer.create(SPEC, { requestId }),
    await trainer.create(SPEC, { requestId }),
  ];
  assert.equal(again.name, first.name);
  assert.equal((await trainer.cancel(first.name)).name, first.name);
  assert.equal((await trainer.wait(first.name)).state, JobState.CANCELLED);
  await trainer.delete(first.name);
});

async function headerOf(path: string): Promise<Record<string, unknown>> {
  const file = await readFile(path);
  const size = Number(file.readBigUInt64LE());
  return JSON.parse(file.subarray(8, 8 + size).toString()) as Record<string, unknown>;
}
