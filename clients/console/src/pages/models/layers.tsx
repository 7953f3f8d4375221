/** The modules of a model, as deep as is asked. */

import type { ModelDescription, ModuleInfo, TensorShape } from "@vertebra/client/v1/catalog";
import { Role } from "@vertebra/client/v1/model";
import { useState } from "preact/hooks";

import { Panel } from "../../parts/panel";
import { type Column, Table } from "../../parts/table";
import { count, exact, NONE, spoken } from "../../words";

const DEEPEST = 12;

export function Layers({ of }: { of: ModelDescription }) {
  const [depth, setDepth] = useState(1);
  const inside = of.modules.filter(({ path }) => path);
  const deepest = Math.min(DEEPEST, Math.max(1, ...inside.map(depthOf)));
  const choice = (
    <label class="line">
      Depth
      <select
        class="select"
        value={depth}
        onChange={(event) => setDepth(Number(event.currentTarget.value))}
      >
        {Array.from({ length: deepest }, (_, index) => (
          <option key={index} value={index + 1}>
            {index + 1}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <Panel title="Layers" aside={choice}>
      <div class="layers">
        <Table
          caption="Modules, from the image to the output"
          columns={COLUMNS}
          rows={inside.filter((one) => depthOf(one) <= depth)}
          keyOf={({ path }) => path}
        />
      </div>
    </Panel>
  );
}

function depthOf({ path }: ModuleInfo): number {
  return path.split(".").length;
}

const COLUMNS: readonly Column<ModuleInfo>[] = [
  {
    heading: "Module",
    cell: (one) => `${"  ".repeat(depthOf(one) - 1)}${one.path.split(".").at(-1)}`,
    class: "path",
  },
  { heading: "Kind", cell: (one) => <span title={one.summary}>{one.className}</span> },
  { heading: "Part", cell: (one) => (one.role ? spoken(Role[one.role]) : "") },
  { heading: "Output", cell: (one) => shapes(one.outputs), class: "mono" },
  {
    heading: "Parameters",
    cell: (one) => (
      <span title={exact(one.numParameters)}>
        {one.numParameters ? count(one.numParameters) : NONE}
      </span>
    ),
    isNumber: true,
  },
  {
    heading: "Train",
    cell: (one) => (one.numTrainableParameters ? count(one.numTrainableParameters) : NONE),
    isNumber: true,
  },
];

/** Returns `64 × 56 × 56`: of one image, so without the batch. */
function shapes(of: readonly TensorShape[]): string {
  return of.map(({ sizes }) => sizes.slice(1).join(" × ")).join(", ");
}
