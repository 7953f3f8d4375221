/** One checkpoint: where it comes from, what came of it, and its bytes. */

import { RpcFailed } from "@vertebra/client";
import type { Checkpoint } from "@vertebra/client/v1/catalog";
import type { LoadReport, ResultRow } from "@vertebra/client/v1/model";
import { useState } from "preact/hooks";

import { addressOf, go } from "../../address";
import { useAsked } from "../../parts/asked";
import { Button } from "../../parts/button";
import { Digest } from "../../parts/digest";
import { Link } from "../../parts/link";
import { Meter } from "../../parts/meter";
import { Empty, Failure, Notice } from "../../parts/notice";
import { Facts, Panel } from "../../parts/panel";
import { save } from "../../parts/save";
import { Table } from "../../parts/table";
import { services } from "../../services";
import { bytes, exact, fullTime, metric, percent, short, time } from "../../words";
import { LineageView } from "./lineage_view";

interface Given {
  readonly name: string;
  /** Called when it is gone. */
  readonly onChange: () => void;
}

export function CheckpointView({ name, onChange }: Given) {
  const [failure, setFailure] = useState<Error>();
  const found = useAsked(
    async (signal) =>
      (await services.catalog.checkpoints.getCheckpoint({ name }, { signal })).checkpoint,
    [name],
  );
  const { value } = found;
  if (!value)
    return found.failure ? <Failure of={found.failure} /> : <Empty>Asking the catalog</Empty>;
  const gone = (): void => {
    go("/checkpoints", { replace: true });
    onChange();
  };
  return (
    <div class="thing">
      <div class="thing-title">
        <h1>{value.checkpointId}</h1>
        <span class="quiet" title={fullTime(value.createTime)}>
          registered {time(value.createTime)}
        </span>
        <div class="buttons">
          <Link
            class="button main"
            to={addressOf("/training", { backbone: value.architectureId, weights: value.name })}
          >
            Train from it
          </Link>
          <Delete of={value} onDone={gone} onFailure={setFailure} />
        </div>
      </div>
      <Failure of={failure} />
      {!value.hasBytes && <Missing of={value} />}
      <div class="pair">
        <Panel title="Lineage">
          <div class="body">
            <LineageView of={value} />
          </div>
        </Panel>
        <Panel title="How it was made">
          <div class="body">
            <Facts of={factsOf(value)} />
          </div>
        </Panel>
      </div>
      <Results of={value} />
      <div class="pair">
        <Bytes of={value} />
        {value.loadReport && <Loaded of={value.loadReport} />}
      </div>
    </div>
  );
}

interface DeleteGiven {
  readonly of: Checkpoint;
  readonly onDone: () => void;
  readonly onFailure: (failure: Error) => void;
}

/** Others that descend from it stop the first attempt; their lineage keeps its name. */
function Delete({ of, onDone, onFailure }: DeleteGiven) {
  const [force, setForce] = useState(false);
  const remove = async (): Promise<void> => {
    await services.catalog.checkpoints.deleteCheckpoint({ name: of.name, force });
    onDone();
  };
  const refused = (failure: Error): void => {
    if (failure instanceof RpcFailed && failure.reason === "CHECKPOINT_REFERENCED") setForce(true);
    onFailure(failure);
  };
  return (
    <Button
      kind="danger"
      onPress={remove}
      onFailure={refused}
      confirm={`Take ${of.checkpointId} off the list? Its bytes stay until they are pruned; its name stays taken.`}
    >
      {force ? "Delete it all the same" : "Delete"}
    </Button>
  );
}

function Missing({ of }: { of: Checkpoint }) {
  const { originUrls = [], recipe, contact } = of.remedies ?? {};
  return (
    <Notice kind="warning">
      <span>Only listed: its bytes are not here.</span>
      {originUrls.map((url) => (
        <span key={url}>{url}</span>
      ))}
      {recipe && <span class="lines">Trained by: {recipe}</span>}
      {contact && <span>Ask: {contact}</span>}
    </Notice>
  );
}

function factsOf({ lineage, ...of }: Checkpoint) {
  return [
    [
      "Model",
      <Link to={addressOf("/models", { name: of.architectureId })}>{of.architectureId}</Link>,
    ],
    ["Method", lineage?.method],
    ["Data", lineage?.dataset],
    ["Images", lineage?.numImages ? exact(lineage.numImages) : ""],
    ["Epochs", lineage?.numEpochs || ""],
    ["Images a step", lineage?.batchSize || ""],
    ["Loss", words(lineage?.loss)],
    ["Optimizer", words(lineage?.optimizer)],
    [
      "Learning rate",
      lineage?.learningRate
        ? [metric(lineage.learningRate), lineage.lrRule].filter(Boolean).join(", ")
        : "",
    ],
    ["Augmentations", words(lineage?.augmentations.join(", "))],
    ["Mean", of.mean.map(metric).join("  ")],
    ["Deviation", of.std.map(metric).join("  ")],
    ["Licence", lineage?.licence],
    [
      "Job",
      lineage?.trainJob && (
        <Link to={addressOf("/jobs", { name: lineage.trainJob })}>
          <code title={lineage.trainJob}>
            {short(lineage.trainJob.replace(/^trainJobs\//, ""))}
          </code>
        </Link>
      ),
    ],
    ["Note", lineage?.note && <span class="lines">{lineage.note}</span>],
  ] as const;
}

/** Returns names such as `cross_entropy` as people write them. */
function words(names: string | undefined): string {
  return (names ?? "").replaceAll("_", " ");
}

/** What its makers report: rows of settings, and numbers of its own. */
function Results({ of }: { of: Checkpoint }) {
  const rows = of.lineage?.results ?? [];
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.metrics)))].sort();
  const own = Object.entries(of.metrics).sort();
  if (!rows.length && !own.length) return null;
  return (
    <Panel title="Results">
      {own.length > 0 && (
        <div class="body">
          <Facts
            of={own.map(([name, value]) => [name.replace("/", " "), metric(value)] as const)}
          />
        </div>
      )}
      {rows.length > 0 && (
        <Table
          caption="Results"
          rows={rows}
          keyOf={(row) => row.setting}
          columns={[
            { heading: "On", cell: (row: ResultRow) => row.setting },
            ...names.map((name) => ({
              heading: name,
              cell: ({ metrics }: ResultRow) =>
                name in metrics ? metric(metrics[name] as number) : "",
              isNumber: true,
            })),
          ]}
        />
      )}
    </Panel>
  );
}

function Bytes({ of: { blob, backboneDigest, sourceDigest, checkpointId } }: { of: Checkpoint }) {
  const [share, setShare] = useState<number>();
  const [failure, setFailure] = useState<Error>();
  const [isVerified, setVerified] = useState(false);
  const fetch = async (): Promise<void> => {
    setFailure(undefined);
    const size = Number(blob?.sizeBytes || 1);
    const onBytes = (numBytes: number): void => setShare(numBytes / size);
    try {
      save(
        await services.catalog.blobs.readAll(blob?.name ?? "", { onBytes }),
        `${checkpointId}.safetensors`,
      );
      setVerified(true);
    } finally {
      setShare(undefined);
    }
  };
  return (
    <Panel title="Bytes">
      <div class="body transfer">
        <Facts
          of={[
            ["Backbone", <Digest of={backboneDigest} label="copy the backbone's digest" />],
            ["File", blob && <Digest of={blob.digest} label="copy the sha256" />],
            ["Size", blob && bytes(blob.sizeBytes)],
            ["Made from", sourceDigest && <Digest of={sourceDigest} label="copy the sha256" />],
          ]}
        />
        {blob && (
          <div class="line">
            <Button onPress={fetch} onFailure={setFailure}>
              Download
            </Button>
            <span class="quiet" role="status">
              {isVerified ? "sha256 verified" : "compared with its sha256 before it is saved"}
            </span>
          </div>
        )}
        {share !== undefined && <Meter share={share} label="Downloading" />}
        <Failure of={failure} />
      </div>
    </Panel>
  );
}

function Loaded({ of }: { of: LoadReport }) {
  return (
    <Panel title="Loaded" aside={`${percent(of.backboneCoverage)} of the backbone`}>
      <div class="body">
        <Facts
          of={[
            ["Tensors", `${exact(of.numLoaded)} of ${exact(of.numExpected)}`],
            ["Renamed by", of.rules.join(", ")],
            ["Left out", of.dropped.join(", ")],
            ["Missing", of.missing.join(", ")],
            ["Unexpected", of.unexpected.join(", ")],
          ]}
        />
      </div>
    </Panel>
  );
}
