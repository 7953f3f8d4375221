/** The catalog: architectures, weights, models and checkpoints, and the bytes behind them. */

import type { MessageInitShape } from "@bufbuild/protobuf";

import { BlobClient } from "./blob_client.js";
import { type Calls, callsOf } from "./calls.js";
import type { Asked, Connection } from "./connection.js";
import {
  type Architecture,
  ArchitectureService,
} from "./gen/vertebra/catalog/v1/architecture_service_pb.js";
import {
  type Checkpoint,
  CheckpointService,
} from "./gen/vertebra/catalog/v1/checkpoint_service_pb.js";
import {
  type BuildModelRequestSchema,
  type BuildProgress,
  type BuiltModel,
  ModelService,
} from "./gen/vertebra/catalog/v1/model_service_pb.js";
import { StorageService } from "./gen/vertebra/catalog/v1/storage_service_pb.js";
import {
  type EnsuredWeights,
  type EnsureProgress,
  type Weights,
  WeightsService,
} from "./gen/vertebra/catalog/v1/weights_service_pb.js";
import { OutcomeCursor, type OutcomeMessage } from "./outcome_cursor.js";
import { itemsOfPages } from "./paging.js";
import { type Open, resumed } from "./resumed.js";
import type { Listing } from "./trainer_client.js";

/** A probe waits for every remote location in turn. */
const PROBE_TIMEOUT_MS = 300_000;

export interface Progressing<P> extends Asked {
  /** Called with every report. */
  readonly onProgress?: (progress: P) => void;
}

export type BuildRequest = MessageInitShape<typeof BuildModelRequestSchema>;

interface Named {
  readonly name: string;
}

export class CatalogClient {
  /** All unary calls of each service of the contract, repeated where only the way broke. */
  readonly architectures: Calls<typeof ArchitectureService>;
  readonly models: Calls<typeof ModelService>;
  readonly weights: Calls<typeof WeightsService>;
  readonly checkpoints: Calls<typeof CheckpointService>;
  readonly storage: Calls<typeof StorageService>;
  readonly blobs: BlobClient;

  constructor(readonly connection: Connection) {
    this.architectures = callsOf(connection, ArchitectureService);
    this.models = callsOf(connection, ModelService);
    this.weights = callsOf(connection, WeightsService);
    this.checkpoints = callsOf(connection, CheckpointService);
    this.storage = callsOf(connection, StorageService);
    this.blobs = new BlobClient(connection);
  }

  /** Yields all matching architectures. */
  listArchitectures({ filter = "", orderBy = "", ...asked }: Listing = {}) {
    return itemsOfPages(
      this.connection,
      (wanted) => this.architectures.listArchitectures({ filter, orderBy, ...wanted }, asked),
      (page): readonly Architecture[] => page.architectures,
    );
  }

  /** Yields all matching weights, without their categories. */
  listWeights({ filter = "", orderBy = "", ...asked }: Listing = {}) {
    return itemsOfPages(
      this.connection,
      (wanted) => this.weights.listWeights({ filter, orderBy, ...wanted }, asked),
      (page): readonly Weights[] => page.weights,
    );
  }

  /** Yields all matching checkpoints. */
  listCheckpoints({ filter = "", orderBy = "", ...asked }: Listing = {}) {
    return itemsOfPages(
      this.connection,
      (wanted) => this.checkpoints.listCheckpoints({ filter, orderBy, ...wanted }, asked),
      (page): readonly Checkpoint[] => page.checkpoints,
    );
  }

  /**
   * Returns where the bytes of a weight or a checkpoint would come from; nothing is fetched.
   *
   * @param asked `probe` asks every remote location for headers; without it none is contacted.
   */
  explainWeights(name: string, { probe = false, ...asked }: Asked & { probe?: boolean } = {}) {
    const timeoutMs = asked.timeoutMs ?? (probe ? PROBE_TIMEOUT_MS : undefined);
    return this.weights.explainWeights({ name, probe }, { ...asked, timeoutMs });
  }

  /**
   * Returns a weight once it is in the catalog's store: downloaded, proven, converted.
   *
   * A stream that breaks is opened again; the catalog's transfer goes on meanwhile.
   *
   * @throws RpcFailed WEIGHTS_UNAVAILABLE, WEIGHTS_GATED, DIGEST_MISMATCH, DISK_FULL and what else
   *     the contract lists; `metadata` has the trail as `step.1`, `step.2`, ..., `links` a page.
   */
  ensureWeights(name: string, asked: Progressing<EnsureProgress> = {}): Promise<EnsuredWeights> {
    const stub = this.connection.client(WeightsService);
    const cursor = new OutcomeCursor<Named, EnsureProgress, EnsuredWeights>({ name }, "weights");
    return this.#outcome(cursor, (wanted, o) => stub.ensureWeights(wanted, o), asked);
  }

  /**
   * Returns a built model: its state is read with `blobs.readTensors({ name: model.name })`.
   *
   * @throws RpcFailed as ModelService.BuildModel in the contract says.
   */
  buildModel(request: BuildRequest, asked: Progressing<BuildProgress> = {}): Promise<BuiltModel> {
    const stub = this.connection.client(ModelService);
    const cursor = new OutcomeCursor<BuildRequest, BuildProgress, BuiltModel>(request, "model");
    return this.#outcome(cursor, (wanted, o) => stub.buildModel(wanted, o), asked);
  }

  async #outcome<Request, Progress, Outcome>(
    cursor: OutcomeCursor<Request, Progress, Outcome>,
    open: Open<Request, OutcomeMessage>,
    { onProgress, signal }: Progressing<Progress>,
  ): Promise<Outcome> {
    for await (const progress of resumed(this.connection, open, cursor, signal)) {
      onProgress?.(progress);
    }
    return cursor.outcome as Outcome;
  }
}
