/** One model: what it is, what trains under a freeze mode, how it is drawn, its layers, its weights. */

import type { Architecture, ModelDescription } from "@vertebra/client/v1/catalog";
import { RenderModelRequest_Format, Task } from "@vertebra/client/v1/catalog";
import { useMemo, useState } from "preact/hooks";

import { addressOf } from "../../address";
import { useAsked } from "../../parts/asked";
import { Link } from "../../parts/link";
import { Empty, Failure, Notice } from "../../parts/notice";
import { Facts, Panel } from "../../parts/panel";
import { services } from "../../services";
import { bytes, count, exact, metric, spoken } from "../../words";
import { TrainingShare } from "../training/plan_view";
import { Layers } from "./layers";
import { AtHand } from "./models_page";

const SVG = RenderModelRequest_Format.SVG;

export function ModelView({ name }: { name: string }) {
  const [mode, setMode] = useState("");
  const spec = { backbone: name };
  const model = useAsked(
    async (signal) =>
      (await services.catalog.architectures.getArchitecture({ name }, { signal })).architecture,
    [name],
  );
  const described = useAsked(
    async (signal) =>
      (await services.catalog.models.describeModel({ spec, freezeMode: mode }, { signal }))
        .description,
    [name, mode],
  );
  const drawn = useAsked(
    (signal) =>
      services.catalog.models.renderModel({ spec, format: SVG, freezeMode: mode }, { signal }),
    [name, mode],
  );
  if (!model.value)
    return model.failure ? <Failure of={model.failure} /> : <Empty>Asking the catalog</Empty>;
  const description = described.value;
  return (
    <div class="thing">
      <Title of={model.value} />
      <Failure of={described.failure} />
      <div class="pair">
        <Panel title="Model">
          <div class="body">
            <Facts of={factsOf(model.value, description)} />
          </div>
        </Panel>
        {description && (
          <Panel
            title="What trains"
            aside={<Modes of={description} value={mode} onValue={setMode} />}
          >
            <div class="body" aria-busy={described.isAsking}>
              <TrainingShare
                numTrainable={description.numTrainableParameters}
                numFrozen={description.numFrozenParameters}
                parts={description.parts}
              />
              <Memory of={description} />
            </div>
          </Panel>
        )}
      </div>
      {model.value.isBuildable && (
        <Panel title="Drawing" aside="image to output, with shapes">
          <div class="body" aria-busy={drawn.isAsking}>
            <Failure of={drawn.failure} />
            {drawn.value && (
              <Diagram svg={drawn.value.content} alt={`${name}, from its image to its output`} />
            )}
          </div>
        </Panel>
      )}
      {description && <Layers of={description} />}
      <WeightsOf of={model.value} />
    </div>
  );
}

function Title({ of }: { of: Architecture }) {
  return (
    <div class="thing-title">
      <h1>{of.architectureId}</h1>
      <AtHand of={of} />
      <div class="buttons">
        {of.isBuildable ? (
          <Link class="button main" to={addressOf("/training", { backbone: of.architectureId })}>
            Train it
          </Link>
        ) : (
          of.floatTwin && (
            <Link class="button main" to={addressOf("/models", { name: of.floatTwin })}>
              Train {of.floatTwin} instead
            </Link>
          )
        )}
      </div>
    </div>
  );
}

function factsOf(of: Architecture, description: ModelDescription | undefined) {
  const { input, output } = description ?? {};
  const trunk = of.backboneArchitecture;
  return [
    ["Task", spoken(Task[of.task])],
    ["Family", of.family],
    [
      "Backbone",
      trunk && trunk !== of.architectureId ? (
        <Link to={addressOf("/models", { name: trunk })}>{trunk}</Link>
      ) : (
        ""
      ),
    ],
    ["Parameters", <span title={exact(of.numParameters)}>{count(of.numParameters)}</span>],
    [
      "Multiply-adds",
      description?.numMultiplyAdds
        ? `${count(description.numMultiplyAdds)} an image`
        : of.gflops && `${of.gflops} G`,
    ],
    ["Image", input ? `${input.heightPx} × ${input.widthPx} px` : `${of.defaultImagePx} px`],
    ["Smallest image", of.minImagePx ? `${of.minImagePx} px` : ""],
    [
      "Output",
      output &&
        [spoken(output.kind), output.classNames.length && `${output.classNames.length} classes`]
          .filter(Boolean)
          .join(", "),
    ],
    ["Features", of.numFeatures ? exact(of.numFeatures) : ""],
    [
      "Published",
      of.metricName && `${metric(of.metricValue)} ${of.metricName} on ${of.metricDataset}`,
    ],
    ["Licences", of.licences.join(", ")],
    ["From", of.library],
  ] as const;
}

interface ModesGiven {
  readonly of: ModelDescription;
  readonly value: string;
  readonly onValue: (mode: string) => void;
}

/** Which parts stay frozen; the modes are those of the contract. */
function Modes({ of, value, onValue }: ModesGiven) {
  const numBlocks = Math.max(0, ...of.parts.map((one) => one.numBlocksFromEnd));
  const blocks = Array.from({ length: numBlocks }, (_, index) => `last_blocks(${index + 1})`);
  const modes = ["full", "frozen_backbone", ...blocks, "norm_only", "scratch"];
  return (
    <label class="line">
      Freeze mode
      <select
        class="select"
        value={value || of.freezeMode}
        onChange={(event) => onValue(event.currentTarget.value)}
      >
        {modes.map((one) => (
          <option key={one} value={one}>
            {spoken(one)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Memory({ of }: { of: ModelDescription }) {
  const memory = of.trainingMemory;
  if (!memory) return null;
  return (
    <p class="quiet" title={memory.basis}>
      About {bytes(memory.totalBytes)} to train it with {memory.batchSize} images a step.
    </p>
  );
}

/** A picture cannot run anything, whatever is drawn in it. */
function Diagram({ svg, alt }: { svg: string; alt: string }) {
  const address = useMemo(
    () => `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`,
    [svg],
  );
  return (
    <div class="diagram">
      <img src={address} alt={alt} />
    </div>
  );
}

function WeightsOf({ of }: { of: Architecture }) {
  if (!of.weights.length)
    return (
      <Notice kind="remark">Nothing is published for it: it starts from random numbers.</Notice>
    );
  return (
    <Panel title="Weights" aside={of.weights.length}>
      <div class="body">
        <ul class="plain-list">
          {of.weights.map((name) => (
            <li key={name}>
              <Link to={addressOf("/weights", { name: name.replace(/^weights\//, "") })}>
                {name.replace(/^weights\//, "")}
              </Link>{" "}
              <span class="quiet">{name === of.defaultWeights ? "default" : ""}</span>
            </li>
          ))}
        </ul>
      </div>
    </Panel>
  );
}
