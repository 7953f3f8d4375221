/** Jobs in words: states, progress, events. */

import type { TrainEvent, TrainJob } from "@vertebra/client/v1/trainer";
import { ExitClass, ExportFile_Kind, JobState } from "@vertebra/client/v1/trainer";

import type { Tone } from "../../parts/badge";
import { count, duration, exact, metric, plural, short, spoken } from "../../words";

const TONES: Partial<Record<JobState, Tone>> = {
  [JobState.RUNNING]: "busy",
  [JobState.PREPARING]: "busy",
  [JobState.SUCCEEDED]: "good",
  [JobState.FAILED]: "bad",
  [JobState.PAUSED]: "warn",
  [JobState.PAUSING]: "warn",
  [JobState.CANCELLING]: "warn",
};

export function toneOf(state: JobState): Tone {
  return TONES[state] ?? "still";
}

export function stateWord(state: JobState): string {
  return spoken(JobState[state] ?? "unknown");
}

/** Returns what people call a job: its name, or what it trains. */
export function titleOf(job: TrainJob): string {
  return job.spec?.displayName || job.spec?.model?.backbone || short(job.jobId);
}

/** Returns how much of a job is done, from 0 to 1; undefined where that is not known. */
export function shareDone({ state, progress }: TrainJob): number | undefined {
  if (state === JobState.SUCCEEDED) return 1;
  if (progress?.numSteps) return Number(progress.step) / Number(progress.numSteps);
  return state === JobState.PREPARING ? undefined : 0;
}

/** Returns `epoch 3/10, step 120 of 450, 0:41 left, 310 images/s`. */
export function progressText({ progress, state }: TrainJob): string {
  if (!progress?.numSteps) return "";
  const parts = [
    progress.numEpochs ? `epoch ${progress.epoch}/${progress.numEpochs}` : "",
    `step ${exact(progress.step)} of ${exact(progress.numSteps)}`,
    progress.remaining ? `${duration(progress.remaining)} left` : "",
    state === JobState.RUNNING && progress.imagesPerS
      ? `${count(Math.round(progress.imagesPerS))} images/s`
      : "",
  ];
  return parts.filter(Boolean).join(", ");
}

/** Returns `accuracy 0.9359`: the main metric of the validation images. */
export function resultText({ plan, metrics }: TrainJob): string {
  const value = plan ? metrics[`validation/${plan.mainMetric}`] : undefined;
  return plan && value !== undefined ? `${plan.mainMetric} ${metric(value)}` : "";
}

/** What happened, for a line of the log. */
export interface EventLine {
  readonly label: string;
  readonly text: string;
  readonly tone: Tone;
}

type Told = TrainEvent["event"];

/** Returns the line of an event; undefined for those that are only drawn. */
export function lineOf({ event }: TrainEvent): EventLine | undefined {
  const write = WRITERS[event.case ?? ""] as
    ((value: unknown) => EventLine | undefined) | undefined;
  return write?.(event.value);
}

type Writers = {
  [Case in NonNullable<Told["case"]>]?: (
    value: Extract<Told, { case: Case }>["value"],
  ) => EventLine | undefined;
};

function line(label: string, text: string, tone: Tone = "plain"): EventLine {
  return { label, text, tone };
}

const WRITERS: Writers & Record<string, unknown> = {
  stateChanged: (change) =>
    line(
      stateWord(change.toState),
      change.failure?.message || change.reason,
      toneOf(change.toState),
    ),
  modelReady: (model) => line("model", `state ${short(model.stateDigest)} is here, verified`),
  planned: (plan) =>
    line(
      "plan",
      `${count(plan.freeze?.numTrainableParameters ?? 0n)} parameters train, ` +
        `${count(plan.freeze?.numFrozenParameters ?? 0n)} stay frozen; ${plural(Number(plan.numSteps), "step")}`,
    ),
  epochMetrics: (told) =>
    line(told.epoch ? `epoch ${told.epoch}` : "start", `${told.split}  ${valuesText(told.values)}`),
  warning: (told) => line("warning", told.text, "warn"),
  message: (told) => line("", told.text),
  exported: (made) =>
    line(
      "exported",
      plural(made.files.filter(({ sample }) => !sample).length, "file") +
        (made.checkpoint ? `, ${made.checkpoint}` : ""),
      "good",
    ),
  dataChecked: ({ report }) =>
    line(
      "data",
      `${exact(report?.numTrainImages ?? 0n)} images to train, ${exact(report?.numValidationImages ?? 0n)} to validate` +
        (report?.numUnusable ? `; ${exact(report.numUnusable)} cannot be used` : "") +
        (report?.numLeaks ? `; ${exact(report.numLeaks)} are in both` : ""),
      report?.numUnusable || report?.numLeaks ? "warn" : "plain",
    ),
  phaseStarted: (phase) =>
    line(
      "phase",
      `${phase.phase}, ${phase.reason}: ${count(phase.freeze?.numTrainableParameters ?? 0n)} parameters train`,
    ),
  evaluated: () => undefined,
  snapshotTaken: ({ snapshot }) =>
    line(
      "snapshot",
      `at step ${exact(snapshot?.step ?? 0n)}${snapshot?.isBest ? ", the best so far" : ""}`,
    ),
  snapshotFailed: (told) => line("snapshot", told.message || told.reason, "warn"),
  rolledBack: (told) =>
    line(
      "goes on",
      (told.toStep ? `at step ${exact(told.toStep)}` : "from the start") +
        (told.numLostSteps ? `; ${plural(Number(told.numLostSteps), "step")} done again` : ""),
    ),
  attemptEnded: (told) =>
    line(
      "attempt",
      `${told.number} ${spoken(ExitClass[told.exitClass] ?? "")}${told.detail ? `: ${told.detail}` : ""}`,
    ),
};

function valuesText(values: Record<string, number>): string {
  const names = Object.keys(values).sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
  return names.map((name) => `${name} ${metric(values[name] ?? Number.NaN)}`).join("  ");
}

function rank(name: string): number {
  return ["loss", "accuracy"].indexOf(name) >>> 0;
}

const FILES: Partial<Record<ExportFile_Kind, string>> = {
  [ExportFile_Kind.BACKBONE_SAFETENSORS]: "Backbone",
  [ExportFile_Kind.BACKBONE_CKPT]: "Backbone, for torch.load",
  [ExportFile_Kind.MODEL_SAFETENSORS]: "Whole model",
  [ExportFile_Kind.METADATA_JSON]: "Metadata",
  [ExportFile_Kind.METRICS_CSV]: "Metrics of every epoch",
  [ExportFile_Kind.CURVES_PNG]: "Learning curves",
  [ExportFile_Kind.TENSORBOARD_EVENTS]: "For TensorBoard",
};

export function fileWord(kind: ExportFile_Kind): string {
  return FILES[kind] ?? spoken(ExportFile_Kind[kind] ?? "file");
}
