/**
 * Lists models, builds one, saves its state, trains, follows, fetches the backbone and registers it,
 * so that any later model can start from it:
 *
 *     npm run --silent example -- --out digits
 */

import { join } from "node:path";
import { parseArgs } from "node:util";

import { createVertebra, type Spec } from "@vertebra/client";
import {
  credentialsFromEnvironment,
  download,
  identifyCheckpointFile,
  nodeTransport,
  registerCheckpointFile,
  saveTensors,
} from "@vertebra/client/node";
import { ExportFile_Kind, JobState, type TrainEvent } from "@vertebra/client/v1/trainer";

const CATALOG = process.env["VERTEBRA_CATALOG_ADDRESS"] ?? "localhost:50551";
const TRAINER = process.env["VERTEBRA_TRAINER_ADDRESS"] ?? "localhost:50552";

const MODEL = {
  backbone: "shufflenet_v2_x0_5",
  pretrained: false,
  imageHeightPx: 32,
  imageWidthPx: 32,
  task: { case: "classification", value: { numClasses: 10 } },
} as const;

const SPEC: Spec = {
  displayName: "digits from TypeScript",
  model: MODEL,
  dataset: { source: { case: "bundledDigits", value: {} }, dataRatio: 0.2 },
  numEpochs: 3,
  batchSize: 32,
  seed: 7n,
};

function tell({ event }: TrainEvent): void {
  if (event.case !== "epochMetrics") return;
  const { epoch, split, values } = event.value;
  console.log(`epoch ${epoch} ${split}: loss ${(values["loss"] ?? NaN).toFixed(3)}`);
}

const { values } = parseArgs({ options: { out: { type: "string", short: "o", default: "." } } });
const { catalog, trainer, close } = createVertebra({
  catalog: nodeTransport(CATALOG, credentialsFromEnvironment()),
  trainer: nodeTransport(TRAINER, credentialsFromEnvironment()),
});

for await (const { architectureId, numParameters } of catalog.listArchitectures({
  filter: "family = resnet AND is_quantized = false",
  orderBy: "num_parameters",
})) {
  console.log(`${architectureId} ${(Number(numParameters) / 1e6).toFixed(1)} M parameters`);
}

const model = await catalog.buildModel({ spec: MODEL });
await saveTensors(catalog.blobs, { name: model.name }, join(values.out, "state.safetensors"));
console.log(`built: ${model.layout!.tensors.length} tensors in state.safetensors`);

const { name } = await trainer.create(SPEC);
const job = await trainer.wait(name, { onEvent: tell });
console.log(JobState[job.state].toLowerCase());

for await (const { files } of trainer.listExports(name)) {
  const { blob } = files.find(({ kind }) => kind === ExportFile_Kind.BACKBONE_SAFETENSORS)!;
  const path = await download(trainer.blobs, blob!.name, join(values.out, "backbone.safetensors"));
  console.log(`backbone: ${blob!.digest.slice(0, 19)} in backbone.safetensors`);
  console.log("identified:", (await identifyCheckpointFile(catalog, path)).verdict);
  const checkpoint = await registerCheckpointFile(catalog, path, {
    checkpointId: `from-ts-${blob!.digest.slice(7, 15)}`, // the same file again is the same checkpoint
    lineage: { dataset: "digits", method: "supervised" },
  });
  console.log(`registered: ${checkpoint.name} is a ${checkpoint.architectureId}`);
}
close();
