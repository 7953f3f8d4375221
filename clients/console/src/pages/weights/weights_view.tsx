/** One weight: what it is, where its bytes are, and bringing them in. */

import { DigestProof } from "@vertebra/client/v1/model";
import type { EnsuredWeights, Weights } from "@vertebra/client/v1/catalog";
import { Task } from "@vertebra/client/v1/catalog";
import { useState } from "preact/hooks";

import { addressOf } from "../../address";
import { useAsked } from "../../parts/asked";
import { Digest } from "../../parts/digest";
import { Link } from "../../parts/link";
import { Empty, Failure, Notice } from "../../parts/notice";
import { Prose } from "../../parts/prose";
import { Facts, Panel } from "../../parts/panel";
import { Table } from "../../parts/table";
import { services } from "../../services";
import { bytes, count, exact, metric, spoken } from "../../words";
import { BringIn } from "./bring_in";
import { Trail, Whereabouts } from "./trail_view";
import { Standing } from "./weights_page";

interface Given {
  readonly name: string;
  /** Called when bytes came. */
  readonly onChange: () => void;
}

export function WeightsView({ name, onChange }: Given) {
  const [came, setCame] = useState<EnsuredWeights>();
  const weights = useAsked(
    async (signal) => (await services.catalog.weights.getWeights({ name }, { signal })).weights,
    [name, came],
  );
  const { value } = weights;
  if (!value)
    return weights.failure ? <Failure of={weights.failure} /> : <Empty>Asking the catalog</Empty>;
  const arrived = (now: EnsuredWeights): void => {
    setCame(now);
    onChange();
  };
  return (
    <div class="thing">
      <div class="thing-title">
        <h1>{value.reference}</h1>
        <Standing of={value.cachedState} />
        <div class="buttons">
          <Link
            class="button plain"
            to={addressOf("/training", {
              backbone: value.architectureId,
              weights: value.reference,
            })}
          >
            Train with them
          </Link>
        </div>
      </div>
      {value.description && <Prose of={value.description} />}
      <BringIn of={value} onDone={arrived} />
      {came && <Arrived of={came} />}
      <Whereabouts name={value.reference} came={came} />
      <div class="pair">
        <Panel title="Weights">
          <div class="body">
            <Facts of={factsOf(value)} />
          </div>
        </Panel>
        <Panel title="Published results" aside={value.metrics.length || "none"}>
          {value.metrics.length > 0 && (
            <Table
              caption="Published results"
              rows={value.metrics}
              keyOf={(one) => `${one.dataset} ${one.name}`}
              columns={[
                { heading: "On", cell: (one) => one.dataset },
                { heading: "Measured", cell: (one) => one.name },
                { heading: "Value", cell: (one) => metric(one.value), isNumber: true },
              ]}
            />
          )}
        </Panel>
      </div>
      <Categories of={value} />
    </div>
  );
}

/** How bytes that came were proven and what was done to them. */
function Arrived({ of }: { of: EnsuredWeights }) {
  return (
    <Panel title="Brought in" aside="just now">
      <div class="body">
        <Facts
          of={[
            ["Proof", PROOFS[of.sourceProof]],
            ["Published file", <Digest of={of.sourceDigest} label="copy the sha256" />],
            ["Stored as", of.blob && <Digest of={of.blob.digest} label="copy the sha256" />],
            ["Size", of.blob && bytes(of.blob.sizeBytes)],
            ["Renamed by", of.rules.join(", ")],
            ["Not taken", of.ignored.join(", ")],
          ]}
        />
        {of.nonFinite.length > 0 && (
          <Notice kind="warning">
            Numbers that are none: {of.nonFinite.slice(0, 5).join(", ")}
          </Notice>
        )}
        <Trail steps={of.trail} />
      </div>
    </Panel>
  );
}

const PROOFS: Record<DigestProof, string> = {
  [DigestProof.UNSPECIFIED]: "",
  [DigestProof.FULL]: "the whole sha256, as published",
  [DigestProof.PREFIX]: "the published digits of its sha256",
  [DigestProof.FIRST_USE]: "none to compare with: the first of its name counts from now on",
};

function factsOf(of: Weights) {
  const image = of.preprocessing;
  return [
    [
      "Model",
      <Link to={addressOf("/models", { name: of.architectureId })}>{of.architectureId}</Link>,
    ],
    ["Task", spoken(Task[of.task])],
    ["Licence", of.licence],
    ["Parameters", <span title={exact(of.numParameters)}>{count(of.numParameters)}</span>],
    ["Size", bytes(of.sizeBytes)],
    ["File", of.fileName],
    ["sha256 begins", of.sha256Prefix],
    ["Image", image && `${image.heightPx} × ${image.widthPx} px`],
    ["Mean", image?.mean.map(metric).join("  ")],
    ["Deviation", image?.std.map(metric).join("  ")],
    ["Interpolation", image?.interpolation],
    [
      "Recipe",
      /^https?:\/\//.test(of.recipeUrl) && (
        <a href={of.recipeUrl} target="_blank" rel="noopener noreferrer">
          how it was trained
        </a>
      ),
    ],
  ] as const;
}

function Categories({ of }: { of: Weights }) {
  if (!of.categories.length) return null;
  return (
    <Panel title="Classes" aside={exact(of.categories.length)}>
      <div class="body">
        <ul class="categories" tabIndex={0} aria-label="Classes, in the order of the outputs">
          {of.categories.map((name, index) => (
            <li key={index}>
              <span class="quiet">{index}</span> {name}
            </li>
          ))}
        </ul>
      </div>
    </Panel>
  );
}
