/** Checkpoints: registered backbones at the left, where one comes from at the right. */

import type { Checkpoint } from "@vertebra/client/v1/catalog";
import { useState } from "preact/hooks";

import { addressOf, go } from "../../address";
import { all, useAsked, useSettled } from "../../parts/asked";
import { allOf, Browse, hasWords, Search, Tick } from "../../parts/browse";
import { Link } from "../../parts/link";
import { Empty } from "../../parts/notice";
import type { Column } from "../../parts/table";
import { services } from "../../services";
import { fullTime, NONE, time } from "../../words";
import { CheckpointView } from "./checkpoint_view";

export function CheckpointsPage({ query }: { query: URLSearchParams }) {
  const [words, setWords] = useState("");
  const [model, setModel] = useState("");
  const [hasBytes, setHasBytes] = useState(false);
  const filter = allOf(
    hasWords("checkpoint_id", useSettled(words, 150)),
    hasWords("architecture_id", useSettled(model, 150)),
    hasBytes && "has_bytes = true",
  );
  const found = useAsked(
    (signal) => all(services.catalog.listCheckpoints({ filter, signal })),
    [filter],
  );
  const named = query.get("name")?.replace(/^checkpoints\//, "");
  const chosen = named ?? found.value?.[0]?.checkpointId;
  return (
    <Browse
      noun="checkpoints"
      asked={found}
      columns={COLUMNS}
      keyOf={(one) => one.checkpointId}
      chosen={chosen}
      onChoose={(one) => go(addressOf("/checkpoints", { name: one.checkpointId }))}
      empty={
        filter ? (
          "No checkpoint is like that."
        ) : (
          <>
            A job that registers its backbone adds it here. <Link to="/training">Train one</Link>
          </>
        )
      }
      filters={
        <>
          <Search label="Name" value={words} onValue={setWords} />
          <Search label="Model" value={model} onValue={setModel} />
          <Tick label="with bytes" isOn={hasBytes} onValue={setHasBytes} />
        </>
      }
    >
      {chosen ? (
        <CheckpointView key={chosen} name={chosen} onChange={found.again} />
      ) : (
        found.value && <Empty>Nothing is registered yet.</Empty>
      )}
    </Browse>
  );
}

const COLUMNS: readonly Column<Checkpoint>[] = [
  {
    heading: "Checkpoint",
    cell: (one) => (
      <>
        <span class="job-name">{one.checkpointId}</span>
        <span class="quiet">
          {one.architectureId}
          {!one.hasBytes && " · without bytes"}
        </span>
      </>
    ),
    class: "name two-lines",
  },
  { heading: "Method", cell: (one) => one.lineage?.method || NONE },
  {
    heading: "Registered",
    cell: (one) => <span title={fullTime(one.createTime)}>{time(one.createTime)}</span>,
    isNumber: true,
  },
];
