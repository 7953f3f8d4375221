/** Curves of one metric over the steps, with their values under the pointer. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";

import { THEME_CHANGED } from "../../theme";
import { metric as written } from "../../words";
import type { Curve, Group } from "./curves";

const HEIGHT_PX = 168;
/** Whole numbers between the marks of an axis of steps. */
const STEPS = Array.from({ length: 10 }, (_, power) =>
  [1, 2, 5].map((one) => one * 10 ** power),
).flat();
/** Charts of one page move their pointers together. */
const POINTER = uPlot.sync("steps");
/** Colours by split, so that a split looks the same in every chart. */
const COLOURS: Record<string, string> = {
  validation: "--curve-2",
  train: "--curve-1",
  step: "--curve-5",
};

export function Chart({ group }: { group: Group }) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const splits = group.curves.map(([split]) => split).join();
  const [isLog, setLog] = useState(false);
  const [step, setStep] = useState<number>();
  const revision = group.curves.map(([, curve]) => curve.revision).join();
  const canLog = useMemo(() => isAboveZero(group), [splits, revision]);

  useEffect(() => {
    const host = place.current as HTMLDivElement;
    const draw = (): void => {
      chart.current?.destroy();
      chart.current = new uPlot(
        optionsOf(group, host.clientWidth, isLog && canLog, setStep),
        dataOf(group),
        host,
      );
    };
    draw();
    const sized = new ResizeObserver(() => {
      chart.current?.setSize({ width: host.clientWidth, height: HEIGHT_PX });
    });
    sized.observe(host);
    window.addEventListener(THEME_CHANGED, draw);
    return () => {
      sized.disconnect();
      window.removeEventListener(THEME_CHANGED, draw);
      chart.current?.destroy();
    };
  }, [splits, group.metric, isLog && canLog]);
  useEffect(() => chart.current?.setData(dataOf(group)), [splits, revision]);

  return (
    <figure class="chart" data-metric={group.metric}>
      <figcaption>
        <h2>{group.metric === "lr" ? "learning rate" : group.metric.replaceAll("_", " ")}</h2>
        <Values group={group} step={step} />
        {canLog && (
          <label class="log">
            <input
              type="checkbox"
              checked={isLog}
              onChange={(event) => setLog(event.currentTarget.checked)}
            />
            log
          </label>
        )}
      </figcaption>
      <div
        ref={place}
        role="img"
        aria-label={`${group.metric} over the steps; the newest values stand above`}
      />
    </figure>
  );
}

/** The value of each curve at a step, or the newest; it says also which colour is whose. */
function Values({ group, step }: { group: Group; step: number | undefined }) {
  return (
    <span class="values">
      {step !== undefined && <span>step {step.toLocaleString("en")}</span>}
      {group.curves.map(([split, curve]) => (
        <span key={split} class={`split ${split}`} data-split={split}>
          <i aria-hidden="true" />
          {split === "step" ? "batch" : split} <b>{written(valueAt(curve, step))}</b>
        </span>
      ))}
    </span>
  );
}

/** Returns the value at the last point that is not behind a step. */
function valueAt({ steps, values }: Curve, step: number | undefined): number {
  const at = step === undefined ? -1 : steps.findLastIndex((one) => one <= step);
  return (step === undefined ? values.at(-1) : values[at]) ?? Number.NaN;
}

/** Whether a logarithm can show all of it. */
function isAboveZero({ curves }: Group): boolean {
  return curves.every(([, { values }]) => values.every((value) => !(value <= 0)));
}

function dataOf({ curves }: Group): uPlot.AlignedData {
  const tables = curves.map(([, curve]): uPlot.AlignedData => [
    [...curve.steps],
    [...curve.values],
  ]);
  return tables.length > 1 ? uPlot.join(tables) : (tables[0] ?? [[]]);
}

type OnStep = (step: number | undefined) => void;

function optionsOf(
  { curves }: Group,
  width: number,
  isLog: boolean,
  onStep: OnStep,
): uPlot.Options {
  const colour = colours();
  const axis = {
    stroke: colour("--quiet"),
    font: `11px ${colour("--font")}`,
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT_PX,
    padding: [8, 8, 0, 0],
    cursor: { sync: { key: POINTER.key }, points: { size: 6 }, y: false },
    legend: { show: false },
    hooks: { setCursor: [({ cursor, data }) => onStep(data[0][cursor.idx ?? -1])] },
    scales: { x: { time: false }, y: isLog ? { distr: 3 } : {} },
    axes: [
      {
        ...axis,
        size: 24,
        incrs: STEPS,
        values: (_, splits) => splits.map((step) => step.toLocaleString("en")),
      },
      {
        ...axis,
        size: 52,
        values: (_, splits) => splits.map((value) => (value === null ? "" : mark(value))),
      },
    ],
    series: [
      {},
      ...curves.map(([split, { values }]): uPlot.Series => ({
        label: split,
        stroke: colour(COLOURS[split] ?? "--curve-3"),
        width: split === "step" ? 1 : 1.75,
        spanGaps: true,
        points: { show: values.length < 30, size: 5, fill: colour(COLOURS[split] ?? "--curve-3") },
      })),
    ],
  };
}

/** Returns a value as it stands at an axis: short. */
function mark(value: number): string {
  return Math.abs(value) < 1e5 ? String(Number(value.toPrecision(3))) : written(value);
}

/** Returns what gives the colours of the page as it is now. */
function colours(): (name: string) => string {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(name).trim();
}
