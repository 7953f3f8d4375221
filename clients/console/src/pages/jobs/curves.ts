/** A job's curves: what the trainer kept of them, and the points that come while one looks. */

import type {
  EpochMetrics,
  MetricSeries,
  StepMetrics,
  TrainEvent,
} from "@vertebra/client/v1/trainer";

export interface Curve {
  /** Growing, but for the last one, which may be told again. */
  readonly steps: readonly number[];
  readonly values: readonly number[];
  readonly epochs: readonly number[];
  /** Another one whenever a point came or went. */
  readonly revision: number;
}

/** Curves of one metric: `loss` has those of steps, training and validation. */
export interface Group {
  readonly metric: string;
  readonly curves: readonly (readonly [split: string, curve: Curve])[];
}

/** All curves of a job. They grow in place: a point costs the same however many came before. */
export class Curves {
  readonly #byName = new Map<string, Growing>();

  /** Begins with what was kept. */
  constructor(series: readonly MetricSeries[] = []) {
    for (const { name, steps, values, epochs } of series) {
      const curve = this.#at(name);
      steps.forEach((step, at) => curve.add(Number(step), values[at] ?? NaN, epochs[at] ?? 0));
    }
  }

  /** Adds what an event tells, or takes back what an attempt will tell again. */
  add({ event }: TrainEvent): void {
    if (event.case === "stepMetrics") this.#addPoints("step", event.value);
    if (event.case === "epochMetrics") this.#addPoints(event.value.split, event.value);
    if (event.case === "rolledBack") {
      for (const curve of this.#byName.values()) curve.cut(Number(event.value.toStep));
    }
  }

  /** Returns the groups that are drawn: loss, then the main metric, then the others by name. */
  groups(mainMetric: string): Group[] {
    const byMetric = new Map<string, [string, Curve][]>();
    for (const [name, curve] of this.#byName) {
      const [split = "", metric = ""] = name.split(/\/(.*)/);
      if (!curve.steps.length) continue;
      byMetric.set(metric, [...(byMetric.get(metric) ?? []), [split, curve]]);
    }
    const rank = (metric: string): number => ["loss", mainMetric].indexOf(metric) >>> 0;
    const last = (metric: string): number => (metric === "lr" ? 1 : 0);
    return [...byMetric]
      .map(([metric, found]) => ({ metric, curves: found.sort(([a], [b]) => a.localeCompare(b)) }))
      .sort(
        (a, b) =>
          rank(a.metric) - rank(b.metric) ||
          last(a.metric) - last(b.metric) ||
          a.metric.localeCompare(b.metric),
      );
  }

  #addPoints(split: string, told: StepMetrics | EpochMetrics): void {
    for (const [name, value] of Object.entries(told.values)) {
      this.#at(`${split}/${name}`).add(Number(told.step), value, told.epoch);
    }
  }

  #at(name: string): Growing {
    const found = this.#byName.get(name) ?? new Growing();
    this.#byName.set(name, found);
    return found;
  }
}

class Growing implements Curve {
  readonly steps: number[] = [];
  readonly values: number[] = [];
  readonly epochs: number[] = [];
  revision = 0;

  /** Adds a point; one at the last step replaces that. */
  add(step: number, value: number, epoch: number): void {
    const at = this.steps.at(-1) === step ? this.steps.length - 1 : this.steps.length;
    this.steps[at] = step;
    this.values[at] = value;
    this.epochs[at] = epoch;
    this.revision += 1;
  }

  /** Takes away what is behind a step. */
  cut(step: number): void {
    const kept = this.steps.findLastIndex((one) => one <= step) + 1;
    for (const row of [this.steps, this.values, this.epochs]) row.length = kept;
    this.revision += 1;
  }
}
