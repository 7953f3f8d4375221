/** What a job left: its files, each compared with its digest before the browser saves it. */

import type { Export, ExportFile, TrainJob } from "@vertebra/client/v1/trainer";
import { ExportFile_Kind } from "@vertebra/client/v1/trainer";
import { useState } from "preact/hooks";

import { addressOf } from "../../address";
import { all, useAsked } from "../../parts/asked";
import { Button } from "../../parts/button";
import { Digest } from "../../parts/digest";
import { Link } from "../../parts/link";
import { Meter } from "../../parts/meter";
import { Empty, Failure } from "../../parts/notice";
import { Facts } from "../../parts/panel";
import { save } from "../../parts/save";
import { services } from "../../services";
import { bytes, time } from "../../words";
import { fileWord } from "./job_words";

export function FilesView({ job }: { job: TrainJob }) {
  const found = useAsked(
    async (signal) => all(services.trainer.listExports(job.name, { signal })),
    [job.name, job.state],
  );
  if (found.failure && !found.value) return <Failure of={found.failure} />;
  if (!found.value?.length)
    return <Empty>A job that has succeeded leaves its backbone and its whole model here.</Empty>;
  return (
    <>
      {found.value.map((one) => (
        <ExportView key={one.name} of={one} job={job} />
      ))}
    </>
  );
}

function ExportView({ of, job }: { of: Export; job: TrainJob }) {
  const [failure, setFailure] = useState<Error>();
  const isKept = of.backboneDigest === job.model?.backboneDigest;
  return (
    <div class="export">
      <Facts
        of={[
          ["Exported", time(of.createTime)],
          ["Epoch", of.epoch || ""],
          ["Backbone", <Digest of={of.backboneDigest} label="copy the backbone's digest" />],
          [
            "Parent",
            isKept ? (
              "the same backbone: nothing of it has moved"
            ) : (
              <Digest of={job.model?.backboneDigest ?? ""} />
            ),
          ],
          [
            "Checkpoint",
            of.checkpoint && (
              <span class="links">
                <Link to={addressOf("/checkpoints", { name: of.checkpoint })}>{of.checkpoint}</Link>
                <Link
                  to={addressOf("/training", {
                    backbone: of.architectureId,
                    weights: of.checkpoint,
                  })}
                >
                  Train from it
                </Link>
              </span>
            ),
          ],
        ]}
      />
      <Failure of={failure} />
      <table class="table">
        <caption class="unseen">Files</caption>
        <tbody>
          {of.files.filter(isFile).map((file) => (
            <FileRow key={file.kind} file={file} job={job} onFailure={setFailure} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Whether a file is listed; pictures of samples have a view of their own. */
function isFile({ sample }: ExportFile): boolean {
  return !sample;
}

interface RowGiven {
  readonly file: ExportFile;
  readonly job: TrainJob;
  readonly onFailure: (failure: Error | undefined) => void;
}

type Standing = { readonly share: number } | "verified" | undefined;

function FileRow({ file, job, onFailure }: RowGiven) {
  const [standing, setStanding] = useState<Standing>();
  const { blob } = file;
  const fetch = async (): Promise<void> => {
    if (!blob) return;
    onFailure(undefined);
    const onBytes = (numBytes: number): void =>
      setStanding({ share: numBytes / Number(blob.sizeBytes || 1) });
    save(await services.trainer.blobs.readAll(blob.name, { onBytes }), fileName(file, job));
    setStanding("verified");
  };
  const fail = (failure: Error): void => {
    setStanding(undefined);
    onFailure(failure);
  };
  return (
    <tr data-file={ExportFile_Kind[file.kind]}>
      <th scope="row">{fileWord(file.kind)}</th>
      <td class="name">{file.path.split("/").at(-1)}</td>
      <td class="number">{bytes(blob?.sizeBytes ?? 0n)}</td>
      <td>
        <Digest of={blob?.digest ?? ""} label="copy the sha256" />
      </td>
      <td class="number file-action">
        {standing === "verified" && (
          <span class="verified" role="status">
            sha256 verified
          </span>
        )}
        {typeof standing === "object" ? (
          <Meter share={standing.share} label="Downloading" />
        ) : (
          <Button onPress={fetch} onFailure={fail} disabled={!blob}>
            Download
          </Button>
        )}
      </td>
    </tr>
  );
}

/** Returns `pets-backbone.safetensors`: a name that says whose it is, without what paths are made of. */
function fileName(file: ExportFile, job: TrainJob): string {
  const plain = file.path.split("/").at(-1) ?? "file";
  const whose = (job.spec?.displayName || job.jobId.slice(0, 8))
    .replace(/[^\w.-]+/g, "_")
    .slice(0, 60);
  return `${whose}-${plain}`;
}
