/**
 * What services say in the words of the contract, in those of the console.
 *
 * Messages are written for every client and name calls; people have pages and buttons for them.
 */

import { Code, type RpcFailed } from "@vertebra/client";

import { token } from "./token";

const PAGES: Readonly<Record<string, string>> = {
  ListArchitectures: "Models",
  GetArchitecture: "Models",
  DescribeModel: "Models",
  ListWeights: "Weights",
  GetWeights: "Weights",
  ListCheckpoints: "Checkpoints",
  GetCheckpoint: "Checkpoints",
  ListTrainJobs: "Jobs",
  ListSnapshots: "the job's snapshots",
  QueryMetrics: "the curves",
  PlanTrainJob: "the plan",
};
const COMMANDS: Readonly<Record<string, string>> = {
  BuildModel: "vertebra models build",
  RegisterCheckpoint: "vertebra checkpoints register",
  IdentifyCheckpoint: "vertebra checkpoints identify",
};
const CALLS = /\b(?:[A-Z][a-z]+){2,}\b/g;

/** Returns a message with pages and buttons where it names calls. */
export function inPlainWords(message: string): string {
  return message
    .replace(/\bEnsureWeights brings/g, "\u201cBring them in\u201d on the page Weights brings")
    .replace(/\b([A-Z]\w+) returns (all|those)\b/g, (whole, name: string, which: string) =>
      PAGES[name] ? `${PAGES[name]} lists ${which}` : whole,
    )
    .replace(CALLS, (name) => PAGES[name] ?? (COMMANDS[name] ? `\`${COMMANDS[name]}\`` : name));
}

/** Returns why a service does not let one in, and what to do about it. */
export function whyRefused(failure: RpcFailed): string {
  if (failure.code === Code.PermissionDenied) {
    return "does not let you see this: another token may, or whoever runs it can give yours the role";
  }
  if (failure.reason === "CREDENTIALS_MISSING" || !token()) {
    return "wants to know who you are: paste the token that you were given for it";
  }
  if (failure.reason === "TOKEN_EXPIRED") return "your token has expired: paste a new one";
  return "does not take this token: paste another one, or ask whoever runs it";
}
