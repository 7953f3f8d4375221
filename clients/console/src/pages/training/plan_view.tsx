/** What a job would do, before anything runs: what trains and what stays, on which images, how. */

import type { FreezePlan, PhasePlan, TrainPlan } from "@vertebra/client/v1/trainer";
import {
  ClassWeights_Rule,
  LossSpec_Kind,
  NormPolicy,
  OptimizerSpec_Algorithm,
} from "@vertebra/client/v1/trainer";

import { Notice } from "../../parts/notice";
import { Facts } from "../../parts/panel";
import { bytes, count, duration, exact, percent, plural, spoken } from "../../words";

/** A part of a model, and how much of it trains. */
export interface PartShare {
  readonly name: string;
  readonly numTrainableParameters: bigint;
  readonly numFrozenParameters: bigint;
}

interface Counts {
  readonly numTrainable: bigint;
  readonly numFrozen: bigint;
  readonly parts: readonly PartShare[];
}

/** Trainable and frozen: as numbers, and part by part. */
export function TrainingShare({ numTrainable, numFrozen, parts }: Counts) {
  const total = Number(numTrainable + numFrozen);
  const largest = Math.max(1, ...parts.map((one) => Number(totalOf(one))));
  return (
    <div class="share">
      <p class="counts">
        <span title={exact(numTrainable)}>
          <b class="trains" data-count="trainable">
            {count(numTrainable)}
          </b>{" "}
          train
        </span>
        <span title={exact(numFrozen)}>
          <b class="stays" data-count="frozen">
            {count(numFrozen)}
          </b>{" "}
          stay frozen
        </span>
        <span class="quiet">{total ? `${percent(Number(numTrainable) / total)} train` : ""}</span>
      </p>
      <table class="parts">
        <caption class="unseen">Parameters that train and that stay frozen, part by part</caption>
        <tbody>
          {parts.map((part) => (
            <tr key={part.name}>
              <th scope="row">{part.name}</th>
              <td class="bar">
                <PartBar part={part} largest={largest} />
              </td>
              <td class={part.numTrainableParameters ? "number" : "number quiet"}>
                {partText(part)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Returns what trains of a part, and of how much where some of it stays. */
function partText(part: PartShare): string {
  const trains = count(part.numTrainableParameters);
  if (!part.numFrozenParameters) return trains;
  const total = count(totalOf(part));
  return part.numTrainableParameters ? `${trains} of ${total}` : `${total} frozen`;
}

/** A bar as long as the part is large (by its root, so that small ones are seen). */
function PartBar({ part, largest }: { part: PartShare; largest: number }) {
  const total = Number(totalOf(part));
  const width = 100 * Math.sqrt(total / largest);
  const share = total ? Number(part.numTrainableParameters) / total : 0;
  return (
    <div class="partbar" style={{ width: `${width}%` }} aria-hidden="true">
      <i style={{ width: `${100 * share}%` }} />
    </div>
  );
}

function totalOf(part: PartShare): bigint {
  return part.numTrainableParameters + part.numFrozenParameters;
}

export function PlanView({ plan }: { plan: TrainPlan }) {
  return (
    <>
      {plan.freeze && <FreezeShare freeze={plan.freeze} />}
      {plan.phases.length > 1 && <Phases of={plan.phases} />}
      <Facts of={factsOf(plan)} class="plan" />
      {plan.warnings.map((text) => (
        <Notice kind="warning" key={text}>
          {text}
        </Notice>
      ))}
    </>
  );
}

export function FreezeShare({ freeze }: { freeze: FreezePlan }) {
  return (
    <TrainingShare
      numTrainable={freeze.numTrainableParameters}
      numFrozen={freeze.numFrozenParameters}
      parts={freeze.rows}
    />
  );
}

function Phases({ of }: { of: readonly PhasePlan[] }) {
  return (
    <table class="table phases">
      <caption class="unseen">Phases</caption>
      <thead>
        <tr>
          <th scope="col">Phase</th>
          <th scope="col" class="number">
            Train
          </th>
          <th scope="col" class="number">
            Frozen
          </th>
          <th scope="col" class="number">
            Learning rate
          </th>
        </tr>
      </thead>
      <tbody>
        {of.map((phase, number) => (
          <tr key={number}>
            <td>{startOf(phase)}</td>
            <td class="number">{count(phase.freeze?.numTrainableParameters ?? 0n)}</td>
            <td class="number">{count(phase.freeze?.numFrozenParameters ?? 0n)}</td>
            <td class="number">{ratesOf(phase.optimizerGroups.map(({ lr }) => lr))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function startOf(phase: PhasePlan): string {
  if (phase.afterEpochs) return `after ${plural(phase.afterEpochs, "epoch")}`;
  if (phase.afterSteps) return `after ${plural(Number(phase.afterSteps), "step")}`;
  if (phase.afterPlateauEpochs) {
    return `after ${plural(phase.afterPlateauEpochs, "epoch")} without improvement`;
  }
  return "at once";
}

/** Returns `0.001`, or `1e-5 to 0.001` where groups differ. */
function ratesOf(rates: readonly number[]): string {
  const [low, high] = [Math.min(...rates), Math.max(...rates)];
  const told = (rate: number): string => String(Number(rate.toPrecision(3)));
  if (!rates.length) return "";
  return low === high ? told(low) : `${told(low)} to ${told(high)}`;
}

function factsOf(plan: TrainPlan): [string, string][] {
  const { freeze, input } = plan;
  const norm =
    freeze && freeze.norm !== NormPolicy.UNSPECIFIED ? spoken(NormPolicy[freeze.norm]) : "";
  const size = input?.heightPx ? `${input.heightPx} \u00d7 ${input.widthPx} px` : "";
  return [
    ["Task", spoken(plan.task)],
    ["Freezing", spoken(freeze?.mode ?? "")],
    ["Batch norm", norm],
    [
      "Images",
      `${exact(plan.numTrainImages)} to train, ${exact(plan.numValidationImages)} to validate`,
    ],
    ["Classes", namesOf(plan.output?.classNames ?? [])],
    ["Targets", namesOf(plan.output?.targetNames ?? [])],
    ["Input", input?.isImageList ? "of any size, resized inside the model" : size],
    ["Loss", lossOf(plan)],
    [
      "Judged by",
      plan.mainMetric && `${plan.mainMetric}, ${plan.mainMetricGrows ? "more" : "less"} is better`,
    ],
    ["Steps", `${exact(plan.numSteps)}, ${exact(plan.numStepsPerEpoch)} an epoch`],
    ["Optimizer", optimizerOf(plan)],
    ["Warm-up", plan.warmupSteps ? plural(Number(plan.warmupSteps), "step") : ""],
    [
      "Computed once",
      plan.featureCache?.isUsed ? `what goes into ${plan.featureCache.boundary.join(", ")}` : "",
    ],
    ["Devices", plan.numDevices > 1 ? `${plan.numDevices}, each on its part` : ""],
    ["Saved", savedOf(plan)],
  ];
}

function namesOf(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(", ");
  return names.length ? `${names.length}: ${shown}${names.length > 8 ? ", \u2026" : ""}` : "";
}

function lossOf({ loss }: TrainPlan): string {
  if (!loss?.kind) return "";
  const rule = loss.classWeights?.rule ?? ClassWeights_Rule.NONE;
  const weighted =
    rule > ClassWeights_Rule.NONE ? `, class weights ${spoken(ClassWeights_Rule[rule])}` : "";
  const smoothed = loss.labelSmoothing ? `, label smoothing ${loss.labelSmoothing}` : "";
  return spoken(LossSpec_Kind[loss.kind]) + smoothed + weighted;
}

function optimizerOf({ optimizer, optimizerGroups }: TrainPlan): string {
  if (!optimizer) return "";
  const name = spoken(OptimizerSpec_Algorithm[optimizer.algorithm]);
  const rate = ratesOf(optimizerGroups.map(({ lr }) => lr));
  const decay = optimizer.weightDecay ? `, weight decay ${optimizer.weightDecay}` : "";
  return `${name}, learning rate ${rate}${decay}`;
}

function savedOf({ snapshots }: TrainPlan): string {
  if (!snapshots?.interval) return "";
  return `every ${duration(snapshots.interval)}, ${bytes(snapshots.sizeBytes)}`;
}
