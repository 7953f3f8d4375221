/** Models: every architecture at the left, what the chosen one is made of at the right. */

import { type Architecture, Task } from "@vertebra/client/v1/catalog";
import { useState } from "preact/hooks";

import { addressOf, go } from "../../address";
import { all, useAsked, useSettled } from "../../parts/asked";
import { Badge } from "../../parts/badge";
import { allOf, Browse, Choice, hasWords, Search, Tick } from "../../parts/browse";
import { Empty } from "../../parts/notice";
import type { Column } from "../../parts/table";
import { services } from "../../services";
import { count, exact, metric, NONE, spoken } from "../../words";
import { ModelView } from "./model_view";

const TASKS = Object.values(Task).filter((one): one is Task => typeof one === "number" && one > 0);

export function ModelsPage({ query }: { query: URLSearchParams }) {
  const [words, setWords] = useState("");
  const [task, setTask] = useState("");
  const [family, setFamily] = useState("");
  const [licence, setLicence] = useState("");
  const [isCached, setCached] = useState(false);
  const [isBuildable, setBuildable] = useState(true);
  const [order, setOrder] = useState("");
  const filter = allOf(
    hasWords("architecture_id", useSettled(words, 150)),
    task && `task = ${task}`,
    family && `family = ${JSON.stringify(family)}`,
    licence && `licences = ${JSON.stringify(licence)}`,
    isCached && "is_cached = true",
    isBuildable && "is_buildable = true",
  );
  const found = useAsked(
    (signal) => all(services.catalog.listArchitectures({ filter, orderBy: order, signal })),
    [filter, order],
  );
  const known = useAsked((signal) => all(services.catalog.listArchitectures({ signal })), []);
  const chosen =
    query.get("name")?.replace(/^architectures\//, "") ?? found.value?.[0]?.architectureId;
  return (
    <Browse
      noun="models"
      asked={found}
      columns={COLUMNS}
      keyOf={(one) => one.architectureId}
      chosen={chosen}
      onChoose={(one) => go(addressOf("/models", { name: one.architectureId }))}
      empty="No model is like that."
      filters={
        <>
          <Search label="Name" value={words} onValue={setWords} />
          <Choice
            label="Task"
            any="Any task"
            value={task}
            onValue={setTask}
            options={TASKS.map((one) => [Task[one].toLowerCase(), spoken(Task[one])])}
          />
          <Choice
            label="Family"
            any="Any family"
            value={family}
            onValue={setFamily}
            options={valuesOf(known.value, (one) => [one.family])}
          />
          <Choice
            label="Licence"
            any="Any licence"
            value={licence}
            onValue={setLicence}
            options={valuesOf(known.value, (one) => one.licences)}
          />
          <Choice label="Order" any="By name" value={order} onValue={setOrder} options={ORDERS} />
          <Tick label="at hand" isOn={isCached} onValue={setCached} />
          <Tick label="can be built" isOn={isBuildable} onValue={setBuildable} />
        </>
      }
    >
      {chosen ? <ModelView key={chosen} name={chosen} /> : <Empty>Choose a model.</Empty>}
    </Browse>
  );
}

const ORDERS = [
  ["num_parameters", "Smallest first"],
  ["gflops", "Fastest first"],
  ["metric desc", "Best first"],
] as const;

/** Returns what there is of something, as choices. */
function valuesOf(
  models: readonly Architecture[] = [],
  of: (model: Architecture) => readonly string[],
) {
  return [...new Set(models.flatMap(of))].sort().map((one) => [one, one] as const);
}

const COLUMNS: readonly Column<Architecture>[] = [
  {
    heading: "Model",
    cell: (one) => (
      <>
        <span class="job-name">{one.architectureId}</span>
        <span class="quiet">
          {spoken(Task[one.task])}
          {one.isCached && " · at hand"}
          {!one.isBuildable && " · listed only"}
        </span>
      </>
    ),
    class: "name two-lines",
  },
  {
    heading: "Parameters",
    cell: (one) => <span title={exact(one.numParameters)}>{count(one.numParameters)}</span>,
    isNumber: true,
  },
  { heading: "GFLOPs", cell: (one) => (one.gflops ? one.gflops.toFixed(1) : NONE), isNumber: true },
  {
    heading: "Published",
    title: "The first published result of the default weights",
    cell: (one) => (one.metricName ? <Metric of={one} /> : NONE),
    isNumber: true,
    class: "two-lines",
  },
];

function Metric({ of }: { of: Architecture }) {
  return (
    <>
      <span title={of.metricDataset}>{metric(of.metricValue)}</span>
      <span class="quiet">{of.metricName}</span>
    </>
  );
}

/** Whether the bytes of the default weights are here. */
export function AtHand({ of }: { of: Architecture }) {
  if (!of.defaultWeights) return <Badge tone="still">nothing published</Badge>;
  return of.isCached ? (
    <Badge tone="good">weights at hand</Badge>
  ) : (
    <Badge tone="plain">weights elsewhere</Badge>
  );
}
