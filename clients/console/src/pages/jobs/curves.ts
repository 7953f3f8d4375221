/** A job's curves: what the trainer kept of them, and the points that come while one looks. */

import type {
  EpochMetrics,
  MetricSeries,
  StepMetrics,
  TrainEvent,
} from "@vertebra/client/v1/trainer";

export interface Curve {
  readonly steps: number[];
  readonly values: number[];
  readonly epochs: number[];
}

/** `validation/loss` -> its points, growing in steps. */
export type Curves = ReadonlyMap<string, Curve>;

/** Returns what was kept. */
export function curvesOf(series: readonly MetricSeries[]): Map<string, Curve> {
  return new Map(
    series.map((one) => [
      one.name,
      { steps: one.steps.map(Number), values: [...one.values], epochs: [...one.epochs] },
    ]),
  );
}

/** Returns the curves with what an event adds or takes back; the same ones where it is none. */
export function withEvent(curves: Curves, { event }: TrainEvent): Curves {
  if (event.case === "stepMetrics") return withPoints(curves, "step", event.value);
  if (event.case === "epochMetrics") return withPoints(curves, event.value.split, event.value);
  if (event.case === "rolledBack") return rolledBack(curves, Number(event.value.toStep));
  return curves;
}

function withPoints(curves: Curves, split: string, told: StepMetrics | EpochMetrics): Curves {
  const next = new Map(curves);
  for (const [name, value] of Object.entries(told.values)) {
    const { steps, values, epochs } = curves.get(`${split}/${name}`) ?? EMPTY;
    const step = Number(told.step);
    const isAgain = steps.at(-1) === step;
    const before = isAgain ? steps.length - 1 : steps.length;
    next.set(`${split}/${name}`, {
      steps: [...steps.slice(0, before), step],
      values: [...values.slice(0, before), value],
      epochs: [...epochs.slice(0, before), told.epoch],
    });
  }
  return next;
}

/** Returns the curves without what an attempt that went on from `toStep` will tell again. */
function rolledBack(curves: Curves, toStep: number): Curves {
  return new Map(
    [...curves].map(([name, { steps, values, epochs }]) => {
      const kept = steps.filter((step) => step <= toStep).length;
      const cut = {
        steps: steps.slice(0, kept),
        values: values.slice(0, kept),
        epochs: epochs.slice(0, kept),
      };
      return [name, cut];
    }),
  );
}

const EMPTY: Curve = { steps: [], values: [], epochs: [] };

/** Curves of one metric: `loss` has those of steps, training and validation. */
export interface Group {
  readonly metric: string;
  readonly curves: readonly (readonly [split: string, curve: Curve])[];
}

/** Returns the groups that are drawn: loss, then the main metric, then the others by name. */
export function groupsOf(curves: Curves, mainMetric: string): Group[] {
  const byMetric = new Map<string, [string, Curve][]>();
  for (const [name, curve] of curves) {
    const [split = "", metric = ""] = name.split(/\/(.*)/);
    if (curve.steps.length) byMetric.set(metric, [...(byMetric.get(metric) ?? []), [split, curve]]);
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
