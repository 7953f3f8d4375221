/** Messages and services of `vertebra.model.v1`, generated from the contract. */
export * from "../gen/vertebra/model/v1/contracts_pb.js";
export * from "../gen/vertebra/model/v1/layout_pb.js";
export * from "../gen/vertebra/model/v1/lineage_pb.js";
export * from "../gen/vertebra/model/v1/model_spec_pb.js";
export * from "../gen/vertebra/model/v1/stream_pb.js";
