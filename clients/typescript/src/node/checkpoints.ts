/** Files to checkpoints: uploaded, identified, registered. */

import { basename } from "node:path";

import type { MessageInitShape } from "@bufbuild/protobuf";

import type { CatalogClient } from "../catalog_client.js";
import { AnswerRefused, RpcFailed } from "../failures.js";
import type {
  Checkpoint,
  IdentifyCheckpointResponse,
  RegisterCheckpointRequestSchema,
} from "../gen/vertebra/catalog/v1/checkpoint_service_pb.js";
import { upload, type UploadOptions } from "./upload.js";

export type Registration = MessageInitShape<typeof RegisterCheckpointRequestSchema>;

/**
 * Returns which architectures the backbone in the file at `path` could be, from the names and
 * shapes of its tensors alone; the file is uploaded where the catalog does not have it.
 *
 * @throws RpcFailed as `upload`, and as CheckpointService.IdentifyCheckpoint in the contract says.
 */
export async function identifyCheckpointFile(
  catalog: CatalogClient,
  path: string,
  options: UploadOptions = {},
): Promise<IdentifyCheckpointResponse> {
  const { name } = await upload(catalog.blobs, path, options);
  const file = { case: "blobName", value: name } as const;
  return calledByItsName(catalog.checkpoints.identifyCheckpoint({ file }, options), name, path);
}

/**
 * Returns the backbone in the file at `path` as a checkpoint that any later model can start from.
 *
 * The file is uploaded where the catalog does not have it; without an architecture the catalog
 * identifies it.
 *
 * @param registration its `checkpointId`, and what else is known.
 * @throws RpcFailed as `upload`; CHECKPOINT_EXISTS, STATE_MISMATCH, CHECKPOINT_AMBIGUOUS,
 *     FILE_UNREADABLE and what else CheckpointService.RegisterCheckpoint in the contract says.
 */
export async function registerCheckpointFile(
  catalog: CatalogClient,
  path: string,
  registration: Registration,
  options: UploadOptions = {},
): Promise<Checkpoint> {
  const { name } = await upload(catalog.blobs, path, options);
  const request = { ...registration, blobName: name };
  const registering = catalog.checkpoints.registerCheckpoint(request, options);
  const { checkpoint } = await calledByItsName(registering, name, path);
  if (!checkpoint) throw new AnswerRefused("the registration was answered without a checkpoint");
  return checkpoint;
}

/** Has a refusal name the file, which a person knows, in place of its digest. */
async function calledByItsName<A>(answer: Promise<A>, blobName: string, path: string): Promise<A> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof RpcFailed)) throw error;
    const [file, digits] = [basename(path), blobName.slice(blobName.lastIndexOf(":") + 1)];
    error.message = error.message.replaceAll(blobName, file).replaceAll(digits, file);
    throw error;
  }
}
