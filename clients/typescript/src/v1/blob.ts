/** Messages and services of `vertebra.blob.v1`, generated from the contract. */
export * from "../gen/vertebra/blob/v1/blob_service_pb.js";
