/** What the exported model makes of a few images: pictures, and what they show in words. */

import {
  type ExportFile,
  type PredictionSample,
  PredictionSample_Panel as Panel,
  type TrainJob,
} from "@vertebra/client/v1/trainer";
import { useEffect, useState } from "preact/hooks";

import { all, useAsked } from "../../parts/asked";
import { Badge } from "../../parts/badge";
import { Empty, Failure } from "../../parts/notice";
import { services } from "../../services";

const PANELS: Readonly<Record<Panel, string>> = {
  [Panel.UNSPECIFIED]: "",
  [Panel.IMAGE]: "image",
  [Panel.TRUTH]: "truth",
  [Panel.PREDICTION]: "prediction",
};

export function SamplesView({ job }: { job: TrainJob }) {
  const found = useAsked(
    async (signal) => all(services.trainer.listExports(job.name, { signal })),
    [job.name, job.state],
  );
  if (found.failure && !found.value) return <Failure of={found.failure} />;
  const samples = found.value?.at(0)?.files.filter(({ sample }) => sample) ?? [];
  if (!samples.length) {
    return <Empty>A job that has succeeded shows here what its model makes of a few images.</Empty>;
  }
  const isWide = samples.some(({ sample }) => (sample?.panels.length ?? 0) > 1);
  return (
    <ul class={isWide ? "samples" : "samples narrow"}>
      {samples.map((file) => (
        <li key={file.path}>
          <SampleView file={file} sample={file.sample as PredictionSample} />
        </li>
      ))}
    </ul>
  );
}

function SampleView({ file, sample }: { file: ExportFile; sample: PredictionSample }) {
  const picture = usePicture(file);
  return (
    <figure class="sample" data-sample={sample.image}>
      <PanelNames of={sample} />
      {picture.failure ? (
        <Failure of={picture.failure} />
      ) : (
        <img
          src={picture.value}
          alt={`${sample.image}: ${sample.truth}; the model: ${sample.prediction}`}
          width={sample.widthPx}
          height={sample.heightPx}
        />
      )}
      <figcaption>
        <dl>
          <dt>Truth</dt>
          <dd>{sample.truth}</dd>
          <dt>Model</dt>
          <dd>
            {sample.prediction} <Verdict of={sample} />
          </dd>
        </dl>
        {sample.legend.length > 0 && (
          <ul class="legend">
            {sample.legend.map(({ className, color }) => (
              <li key={className}>
                <i style={{ background: color }} aria-hidden="true" />
                {className}
              </li>
            ))}
          </ul>
        )}
        <p class="quiet" title={sample.image}>
          {sample.image.split("/").at(-1)}
          {sample.isAmongWorst && ", among the worst"}
        </p>
      </figcaption>
    </figure>
  );
}

/** Names above the parts of a picture, where it has several. */
function PanelNames({ of: { panels } }: { of: PredictionSample }) {
  if (panels.length < 2) return null;
  return (
    <p class="panels quiet" aria-hidden="true">
      {panels.map((panel) => (
        <span key={panel}>{PANELS[panel]}</span>
      ))}
    </p>
  );
}

function Verdict({ of: { isRight } }: { of: PredictionSample }) {
  if (isRight === undefined) return null;
  return isRight ? <Badge tone="good">right</Badge> : <Badge tone="bad">wrong</Badge>;
}

/** Returns where the browser finds a picture whose bytes were compared with their digest. */
function usePicture({ blob }: ExportFile): { value?: string; failure?: Error } {
  const read = useAsked(
    async (signal) => (blob ? services.trainer.blobs.readAll(blob.name, { signal }) : undefined),
    [blob?.name],
  );
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!read.value) return;
    const made = URL.createObjectURL(new Blob([read.value], { type: "image/png" }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [read.value]);
  return { ...(url && { value: url }), ...(read.failure && { failure: read.failure }) };
}
