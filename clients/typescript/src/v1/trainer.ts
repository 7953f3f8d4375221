/** Messages and services of `vertebra.trainer.v1`, generated from the contract. */
export * from "../gen/vertebra/trainer/v1/dataset_pb.js";
export * from "../gen/vertebra/trainer/v1/evaluation_pb.js";
export * from "../gen/vertebra/trainer/v1/learning_pb.js";
export * from "../gen/vertebra/trainer/v1/train_event_pb.js";
export * from "../gen/vertebra/trainer/v1/train_form_pb.js";
export * from "../gen/vertebra/trainer/v1/train_job_pb.js";
export * from "../gen/vertebra/trainer/v1/train_job_service_pb.js";
export * from "../gen/vertebra/trainer/v1/train_run_pb.js";
