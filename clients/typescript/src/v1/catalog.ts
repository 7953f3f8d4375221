/** Messages and services of `vertebra.catalog.v1`, generated from the contract. */
export * from "../gen/vertebra/catalog/v1/architecture_service_pb.js";
export * from "../gen/vertebra/catalog/v1/checkpoint_service_pb.js";
export * from "../gen/vertebra/catalog/v1/model_service_pb.js";
export * from "../gen/vertebra/catalog/v1/storage_service_pb.js";
export * from "../gen/vertebra/catalog/v1/weights_service_pb.js";
