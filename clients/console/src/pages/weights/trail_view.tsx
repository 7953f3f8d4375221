/** Where bytes are or would come from, location by location. */

import {
  Availability,
  type EnsuredWeights,
  type ExplainWeightsResponse,
  type Remedy,
  type TrailStep,
  TrailStep_Outcome as Outcome,
} from "@vertebra/client/v1/catalog";
import { useState } from "preact/hooks";

import { useAsked } from "../../parts/asked";
import { Badge, type Tone } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Failure } from "../../parts/notice";
import { Facts, Panel } from "../../parts/panel";
import { type Column, Table } from "../../parts/table";
import { inPlainWords } from "../../plain_words";
import { services } from "../../services";
import { spoken } from "../../words";

interface Given {
  readonly name: string;
  /** Asked again when bytes came. */
  readonly came: EnsuredWeights | undefined;
}

const WORDS: Record<Availability, string> = {
  [Availability.UNSPECIFIED]: "",
  [Availability.STORED]: "in the catalog's store",
  [Availability.LOCAL]: "on the catalog's host",
  [Availability.REMOTE]: "would be fetched",
  [Availability.NONE]: "nowhere",
};

export function Whereabouts({ name, came }: Given) {
  const [probed, setProbed] = useState<ExplainWeightsResponse>();
  const [failure, setFailure] = useState<Error>();
  const known = useAsked(
    (signal) => services.catalog.explainWeights(name, { signal }),
    [name, came],
  );
  const told = probed ?? known.value;
  const probe = async (): Promise<void> => {
    setFailure(undefined);
    setProbed(await services.catalog.explainWeights(name, { probe: true }));
  };
  const isAskable = told?.steps.some(({ outcome }) => outcome === Outcome.NOT_ASKED);
  return (
    <Panel
      title="Where the bytes are"
      aside={
        <span class="line">
          {told && WORDS[told.availability]}
          {isAskable && (
            <Button
              onPress={probe}
              onFailure={setFailure}
              title="Asks each remote location for headers; fetches nothing"
            >
              Ask remote locations
            </Button>
          )}
        </span>
      }
    >
      <Failure of={failure ?? known.failure} />
      {told && <Trail steps={told.steps} />}
      {told && told.availability !== Availability.STORED && <Remedies of={told.remedies} />}
      {told?.expectedDigest && (
        <div class="body">
          <Facts of={[["Compared with", <code>{told.expectedDigest}</code>]]} />
        </div>
      )}
    </Panel>
  );
}

export function Trail({ steps }: { steps: readonly TrailStep[] }) {
  return (
    <div class="trail">
      <Table
        caption="Locations, in the order in which they are tried"
        columns={COLUMNS}
        rows={steps}
        keyOf={(one) => `${one.location} ${one.place}`}
      />
    </div>
  );
}

const TONES: Partial<Record<Outcome, Tone>> = {
  [Outcome.HIT]: "good",
  [Outcome.ABSENT]: "still",
  [Outcome.NOT_ASKED]: "plain",
  [Outcome.OFFLINE]: "still",
};

const COLUMNS: readonly Column<TrailStep>[] = [
  { heading: "Location", cell: (one) => one.location },
  {
    heading: "Found",
    cell: ({ outcome }) => (
      <Badge tone={TONES[outcome] ?? "warn"}>{spoken(Outcome[outcome])}</Badge>
    ),
  },
  {
    heading: "Why, and where",
    cell: (one) => (
      <>
        {one.detail !== spoken(Outcome[one.outcome]) && one.detail}{" "}
        <span class="quiet">{one.place}</span>
      </>
    ),
  },
];

function Remedies({ of }: { of: readonly Remedy[] }) {
  if (!of.length) return null;
  return (
    <div class="body">
      <h3>What helps</h3>
      <ul class="remedies">
        {of.map(({ text, url }) => (
          <li key={text}>
            {inPlainWords(url && text.endsWith(url) ? text.slice(0, -url.length) : `${text} `)}
            {/^https?:\/\//.test(url) && (
              <a href={url} target="_blank" rel="noopener noreferrer">
                {url}
              </a>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
