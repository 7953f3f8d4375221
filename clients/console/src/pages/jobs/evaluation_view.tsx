/** How good the model is on the validation images, class by class, and what is taken for what. */

import type { ClassEvaluation, Evaluation } from "@vertebra/client/v1/trainer";

import { Empty } from "../../parts/notice";
import { type Column, Table } from "../../parts/table";
import { count, exact, metric, plural } from "../../words";

/** Beyond so many classes the matrix is not drawn: the most frequent mistakes are listed. */
const MOST_CLASSES = 24;
const MOST_MISTAKES = 12;

export function EvaluationView({ of }: { of: Evaluation | undefined }) {
  if (!of)
    return <Empty>A job that has succeeded says here how good its model is, class by class.</Empty>;
  const hasMatrix = of.confusion.length === of.classes.length ** 2 && of.classes.length > 0;
  return (
    <div class="evaluation">
      <p class="metrics">
        {Object.entries(of.metrics)
          .sort()
          .map(([name, value]) => (
            <span key={name}>
              <span class="quiet">{name.replaceAll("_", " ")}</span> <b>{metric(value)}</b>
            </span>
          ))}
        <span class="quiet">on {plural(Number(of.numImages), "image")}</span>
      </p>
      <div class="two">
        {of.classes.length > 0 && <Classes of={of.classes} />}
        {hasMatrix && <Confusion of={of} />}
      </div>
    </div>
  );
}

/** As people are used to it; the rest by name. */
const ORDER = ["precision", "recall", "f1"];

function byOrder(a: string, b: string): number {
  return (ORDER.indexOf(a) >>> 0) - (ORDER.indexOf(b) >>> 0) || a.localeCompare(b);
}

function nameOf(one: ClassEvaluation, index: number): string {
  return one.name || String(index);
}

/** A name that may be cut where there is no room; it is said whole to who points at it. */
function Named({ of }: { of: string }) {
  return <span title={of}>{of}</span>;
}

function Classes({ of }: { of: readonly ClassEvaluation[] }) {
  const names = [...new Set(of.flatMap(({ metrics }) => Object.keys(metrics)))].sort(byOrder);
  const rows = of.map((one, index) => ({ one, index }));
  type Row = (typeof rows)[number];
  const columns: Column<Row>[] = [
    {
      heading: "Class",
      cell: ({ one, index }) => <Named of={nameOf(one, index)} />,
      class: "name",
    },
    { heading: "True", cell: ({ one }) => exact(one.numTrue), isNumber: true },
    ...names.map((name) => ({
      heading: name.replaceAll("_", " "),
      cell: ({ one }: Row) => metric(one.metrics[name] ?? Number.NaN),
      isNumber: true,
    })),
  ];
  return (
    <div class="classes" role="region" aria-label="Metrics of every class" tabIndex={0}>
      <Table
        caption="Metrics of every class"
        columns={columns}
        rows={rows}
        keyOf={({ index }) => String(index)}
      />
    </div>
  );
}

function Confusion({ of }: { of: Evaluation }) {
  const names = of.classes.map(nameOf);
  const num = names.length;
  const at = (row: number, column: number): number =>
    Number(of.confusion[row * num + column] ?? 0n);
  if (num > MOST_CLASSES) return <Mistakes names={names} at={at} />;
  const most = names.map((_, row) => Math.max(1, ...names.map((_, column) => at(row, column))));
  return (
    <table class="confusion">
      <caption>Rows are true, columns what they are taken for</caption>
      <thead>
        <tr>
          <td />
          {names.map((name, column) => (
            <th key={column} scope="col" title={name}>
              <span>{name}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {names.map((name, row) => (
          <tr key={row}>
            <th scope="row" title={name}>
              {name}
            </th>
            {names.map((other, column) => (
              <Cell
                key={column}
                value={at(row, column)}
                share={at(row, column) / (most[row] ?? 1)}
                isRight={row === column}
                told={
                  row === column
                    ? `${name}: ${exact(at(row, column))} right`
                    : `${name} taken for ${other}: ${exact(at(row, column))}`
                }
              />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface CellGiven {
  readonly value: number;
  readonly share: number;
  readonly isRight: boolean;
  readonly told: string;
}

function Cell({ value, share, isRight, told }: CellGiven) {
  const colour = isRight ? "--heat" : "--heat-wrong";
  const background = value
    ? `rgb(var(${colour}) / ${(0.08 + 0.38 * share).toFixed(2)})`
    : "transparent";
  return (
    <td class={value ? "" : "none"} style={{ background }} title={told}>
      {value ? count(value) : "\u00b7"}
    </td>
  );
}

function Mistakes({
  names,
  at,
}: {
  names: readonly string[];
  at: (row: number, column: number) => number;
}) {
  const found = names
    .flatMap((name, row) =>
      names.map((other, column) => ({ name, other, row, column, number: at(row, column) })),
    )
    .filter(({ row, column, number }) => row !== column && number > 0)
    .sort((a, b) => b.number - a.number)
    .slice(0, MOST_MISTAKES);
  return (
    <Table
      caption="The most frequent mistakes"
      columns={[
        { heading: "True", cell: ({ name }) => <Named of={name} />, class: "name half" },
        { heading: "Taken for", cell: ({ other }) => <Named of={other} />, class: "name half" },
        { heading: "How often", cell: ({ number }) => exact(number), isNumber: true },
      ]}
      rows={found}
      keyOf={({ row, column }) => `${row}-${column}`}
    />
  );
}
