/** Messages and services of `vertebra.diagnostics.v1`, generated from the contract. */
export * from "../gen/vertebra/diagnostics/v1/path_service_pb.js";
