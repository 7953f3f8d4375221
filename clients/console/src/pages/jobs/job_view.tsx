/** One job: how it stands, its curves while it trains, and everything that is known of it. */

import { toJsonString } from "@bufbuild/protobuf";
import { JobState, type TrainJob, TrainJobSpecSchema } from "@vertebra/client/v1/trainer";
import { useEffect, useState } from "preact/hooks";

import { askNow } from "../../health";
import { Badge } from "../../parts/badge";
import { Digest } from "../../parts/digest";
import { Meter } from "../../parts/meter";
import { Empty, Failure } from "../../parts/notice";
import { Facts } from "../../parts/panel";
import { type Tab, Tabs } from "../../parts/tabs";
import { between, fullTime, plural, seconds, time } from "../../words";
import { PlanView } from "../training/plan_view";
import { Actions } from "./actions";
import { Chart } from "./chart";
import { DataView } from "./data_view";
import { EvaluationView } from "./evaluation_view";
import { EventsView } from "./events_view";
import { FilesView } from "./files_view";
import { progressText, shareDone, stateWord, titleOf, toneOf } from "./job_words";
import { SamplesView } from "./samples_view";
import { SnapshotsView } from "./snapshots_view";
import { type Story, useStory } from "./story";
import { WhyFailed } from "./why_failed";

interface Given {
  readonly name: string;
  /** Which of its views is shown. */
  readonly tab: string;
  readonly onTab: (tab: string) => void;
  /** Told when it was paused, resumed, cancelled or deleted. */
  readonly onChange: () => void;
}

export function JobView({ name, tab, onTab, onChange }: Given) {
  const story = useStory(name);
  const [failure, setFailure] = useState<Error>();
  useEffect(() => setFailure(undefined), [name]);
  const { job } = story;
  if (!job) return story.failure ? <Failure of={story.failure} /> : <Empty>Reading the job</Empty>;
  const changed = (): void => {
    story.again();
    askNow("trainer");
    onChange();
  };
  return (
    <article class="job" data-job={job.jobId} data-state={JobState[job.state]}>
      <Head job={job} onChange={changed} onFailure={setFailure} />
      <Failure of={failure} />
      <Failure of={story.failure} />
      {job.failure && job.state === JobState.FAILED && <WhyFailed of={job.failure} />}
      <CurvesView story={story} mainMetric={job.plan?.mainMetric ?? ""} />
      <Tabs
        label="Views of the job"
        tabs={tabsOf(job, story, changed)}
        chosen={tab}
        onChoose={onTab}
      />
    </article>
  );
}

interface HeadGiven {
  readonly job: TrainJob;
  readonly onChange: () => void;
  readonly onFailure: (failure: Error | undefined) => void;
}

const MOVING = new Set([
  JobState.PREPARING,
  JobState.RUNNING,
  JobState.PAUSING,
  JobState.CANCELLING,
]);
const KINDS = { good: "done", bad: "failed" } as const;

function Head({ job, onChange, onFailure }: HeadGiven) {
  const tone = toneOf(job.state);
  const kind = MOVING.has(job.state)
    ? "busy"
    : tone === "good" || tone === "bad"
      ? KINDS[tone]
      : "still";
  const why = job.state === JobState.FAILED ? "" : job.stateReason;
  return (
    <header class="job-head">
      <div class="job-title">
        <h1>{titleOf(job)}</h1>
        <Badge tone={tone}>{stateWord(job.state)}</Badge>
        <Digest of={job.jobId} label="copy the job's id" />
        <Actions job={job} onChange={onChange} onFailure={onFailure} />
      </div>
      <Meter share={shareDone(job)} label="Progress" kind={kind} />
      <p class="quiet job-progress">
        <span data-part="progress">{progressText(job)}</span>
        {why && <span>{why}</span>}
        <span title={fullTime(job.createTime)}>created {time(job.createTime)}</span>
        {job.startTime && <span>{took(job)}</span>}
      </p>
    </header>
  );
}

function took({ startTime, endTime }: TrainJob): string {
  return `${endTime ? "took" : "for"} ${seconds(between(startTime, endTime))}`;
}

function CurvesView({ story, mainMetric }: { story: Story; mainMetric: string }) {
  const groups = story.curves.groups(mainMetric);
  if (!groups.length) return null;
  return (
    <div class="charts">
      {groups.map((group) => (
        <Chart key={group.metric} group={group} />
      ))}
    </div>
  );
}

function tabsOf(job: TrainJob, story: Story, onChange: () => void): Tab[] {
  return [
    { id: "result", label: "Result", show: () => <EvaluationView of={job.evaluation} /> },
    { id: "samples", label: "Samples", show: () => <SamplesView job={job} /> },
    { id: "files", label: "Files", show: () => <FilesView job={job} /> },
    { id: "plan", label: "Plan", show: () => <PlanTab job={job} /> },
    { id: "data", label: "Data", show: () => <DataView story={story} /> },
    { id: "events", label: "Events", show: () => <EventsView story={story} /> },
    {
      id: "snapshots",
      label: "Snapshots",
      show: () => <SnapshotsView job={job} onChange={onChange} />,
    },
    { id: "spec", label: "Spec", show: () => <SpecView job={job} /> },
  ];
}

function PlanTab({ job }: { job: TrainJob }) {
  if (!job.plan) return <Empty>The plan is made when the job is prepared.</Empty>;
  return (
    <div class="plan-tab">
      <PlanView plan={job.plan} />
      <Facts
        of={[
          ["Spec", <Digest of={job.model?.specDigest ?? ""} />],
          ["State", <Digest of={job.model?.stateDigest ?? ""} />],
          ["Backbone", <Digest of={job.model?.backboneDigest ?? ""} />],
          ["Host", job.host],
          ["Attempts", job.attempts.length > 1 ? plural(job.attempts.length, "attempt") : ""],
        ]}
      />
    </div>
  );
}

function SpecView({ job }: { job: TrainJob }) {
  const text = job.spec
    ? toJsonString(TrainJobSpecSchema, job.spec, { prettySpaces: 2, useProtoFieldName: true })
    : "";
  return (
    <pre class="mono spec" tabIndex={0} aria-label="The job's spec">
      {text}
    </pre>
  );
}
