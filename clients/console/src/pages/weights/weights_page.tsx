/** Weights: everything that is published at the left, where the bytes of one are at the right. */

import { CachedState, Task, type Weights } from "@vertebra/client/v1/catalog";
import { useState } from "preact/hooks";

import { addressOf, go } from "../../address";
import { all, useAsked, useSettled } from "../../parts/asked";
import { Badge, type Tone } from "../../parts/badge";
import { allOf, Browse, Choice, hasWords, Search, Tick } from "../../parts/browse";
import { Empty } from "../../parts/notice";
import type { Column } from "../../parts/table";
import { services } from "../../services";
import { bytes, exact, metric, spoken } from "../../words";
import { WeightsView } from "./weights_view";

const TASKS = Object.values(Task).filter((one): one is Task => typeof one === "number" && one > 0);

export function WeightsPage({ query }: { query: URLSearchParams }) {
  const [words, setWords] = useState("");
  const [task, setTask] = useState("");
  const [isCached, setCached] = useState(false);
  const [isDefault, setDefault] = useState(false);
  const [order, setOrder] = useState("");
  const filter = allOf(
    hasWords("reference", useSettled(words, 150)),
    task && `task = ${task}`,
    isCached && "is_cached = true",
    isDefault && "is_default = true",
  );
  const found = useAsked(
    (signal) => all(services.catalog.listWeights({ filter, orderBy: order, signal })),
    [filter, order],
  );
  const chosen = referenceOf(query.get("name")) ?? found.value?.[0]?.reference;
  return (
    <Browse
      noun="weights"
      asked={found}
      columns={COLUMNS}
      keyOf={(one) => one.reference}
      chosen={chosen}
      onChoose={(one) => go(addressOf("/weights", { name: one.reference }))}
      empty="No weights are like that."
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
          <Choice label="Order" any="By name" value={order} onValue={setOrder} options={ORDERS} />
          <Tick label="at hand" isOn={isCached} onValue={setCached} />
          <Tick label="defaults only" isOn={isDefault} onValue={setDefault} />
        </>
      }
    >
      {chosen ? (
        <WeightsView key={chosen} name={chosen} onChange={found.again} />
      ) : (
        <Empty>Choose weights.</Empty>
      )}
    </Browse>
  );
}

/** Returns a name as the list has it: `ResNet18_Weights.IMAGENET1K_V1` is torchvision's. */
function referenceOf(name: string | null): string | undefined {
  const reference = name?.replace(/^weights\//, "");
  return reference && /^\w+Weights\.\w+$/.test(reference) ? `torchvision/${reference}` : reference;
}

const ORDERS = [
  ["metric desc", "Best first"],
  ["size_bytes", "Smallest first"],
  ["architecture_id", "By model"],
] as const;

const STANDINGS: Record<CachedState, readonly [Tone, string]> = {
  [CachedState.UNSPECIFIED]: ["plain", ""],
  [CachedState.ABSENT]: ["plain", "elsewhere"],
  [CachedState.LOCAL_FILE]: ["busy", "in a cache here"],
  [CachedState.STORED]: ["good", "in the store"],
};

/** Whether the bytes are here. */
export function Standing({ of }: { of: CachedState }) {
  const [tone, word] = STANDINGS[of];
  return word ? <Badge tone={tone}>{word}</Badge> : null;
}

const COLUMNS: readonly Column<Weights>[] = [
  {
    heading: "Weights",
    cell: (one) => (
      <>
        <span class="job-name" title={one.reference}>
          {one.reference.split("/").at(-1)}
        </span>
        <span class="quiet">
          {one.architectureId}
          {one.isDefault && " · default"}
          {one.isGated && " · terms to accept"}
        </span>
      </>
    ),
    class: "name two-lines",
  },
  {
    heading: "Published",
    cell: ({ metrics: [first] }) =>
      first && (
        <>
          <span title={first.dataset}>{metric(first.value)}</span>
          <span class="quiet">{first.name}</span>
        </>
      ),
    isNumber: true,
    class: "two-lines",
  },
  {
    heading: "Size",
    cell: (one) => (
      <>
        <span title={`${exact(one.sizeBytes)} B`}>{bytes(one.sizeBytes)}</span>
        <span class="quiet">
          <Standing of={one.cachedState} />
        </span>
      </>
    ),
    isNumber: true,
    class: "two-lines",
  },
];
