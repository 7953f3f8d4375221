/** Jobs: the list at the left follows what happens, the chosen one at the right. */

import { JobState, type TrainJob } from "@vertebra/client/v1/trainer";
import { useState } from "preact/hooks";

import { addressOf, go } from "../../address";
import { useAsked } from "../../parts/asked";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Link } from "../../parts/link";
import { Meter } from "../../parts/meter";
import { Empty, Failure } from "../../parts/notice";
import { type Column, Table } from "../../parts/table";
import { services } from "../../services";
import { exact, fullTime, time } from "../../words";
import { JobView } from "./job_view";
import { resultText, shareDone, stateWord, titleOf, toneOf } from "./job_words";

const PAGE_SIZE = 100;
/** As many as the trainer gives at once. */
const MOST = 1_000;
const EVERY_MS = 2_500;
const STATES = [
  JobState.QUEUED,
  JobState.RUNNING,
  JobState.PAUSED,
  JobState.SUCCEEDED,
  JobState.FAILED,
  JobState.CANCELLED,
];

export function JobsPage({ query }: { query: URLSearchParams }) {
  const [state, setState] = useState("");
  const [words, setWords] = useState("");
  const [num, setNum] = useState(PAGE_SIZE);
  const filter = [
    state && `state = ${state}`,
    words && `display_name : ${JSON.stringify(`*${words}*`)}`,
  ]
    .filter(Boolean)
    .join(" AND ");
  const list = useAsked(
    (signal) => services.trainer.jobs.listTrainJobs({ filter, pageSize: num }, { signal }),
    [filter, num],
    { everyMs: EVERY_MS },
  );
  const jobs = list.value?.jobs ?? [];
  const chosen = query.get("name")?.replace(/^trainJobs\//, "") ?? jobs[0]?.jobId;
  const show = (name: string | undefined, tab?: string): void =>
    go(addressOf("/jobs", { name, tab }), { replace: name === chosen });
  return (
    <div class="jobs">
      <aside class="job-list" aria-label="Jobs">
        <form class="search" role="search" onSubmit={(event) => event.preventDefault()}>
          <label>
            <span class="unseen">State</span>
            <select
              class="select"
              value={state}
              onChange={(event) => setState(event.currentTarget.value)}
            >
              <option value="">All states</option>
              {STATES.map((one) => (
                <option key={one} value={JobState[one].toLowerCase()}>
                  {stateWord(one)}
                </option>
              ))}
            </select>
          </label>
          <label class="grow">
            <span class="unseen">Name</span>
            <input
              type="search"
              placeholder="Name"
              value={words}
              onInput={(event) => setWords(event.currentTarget.value)}
            />
          </label>
          <Link class="button main" to="/training">
            New
          </Link>
        </form>
        <Failure of={list.value ? undefined : list.failure} />
        <div class="rows">
          <Table
            caption="Jobs, the newest first"
            columns={COLUMNS}
            rows={jobs}
            keyOf={({ jobId }) => jobId}
            chosen={chosen}
            onChoose={({ jobId }) => show(jobId)}
          />
          {list.value && !jobs.length && (
            <Empty>
              {filter ? "No job is like that." : <Link to="/training">Train the first one</Link>}
            </Empty>
          )}
        </div>
        <p class="quiet total">
          {list.value && `${exact(jobs.length)} of ${exact(list.value.totalSize)}`}
          {list.value && jobs.length < Math.min(list.value.totalSize, MOST) && (
            <Button onPress={() => setNum(Math.min(num + PAGE_SIZE, MOST))}>Show more</Button>
          )}
        </p>
      </aside>
      <section class="job-detail" aria-label="The chosen job">
        {chosen ? (
          <JobView
            key={chosen}
            name={chosen}
            tab={query.get("tab") ?? "result"}
            onTab={(tab) => show(chosen, tab)}
            onChange={list.again}
          />
        ) : (
          list.value && <Empty>{filter ? "Choose a job." : "Nothing was trained yet."}</Empty>
        )}
      </section>
    </div>
  );
}

const COLUMNS: readonly Column<TrainJob>[] = [
  {
    heading: "Job",
    cell: (job) => (
      <>
        <span class="job-name">{titleOf(job)}</span>
        <span class="quiet">
          {job.spec?.displayName ? job.spec.model?.backbone : job.jobId.slice(0, 8)}
        </span>
      </>
    ),
    class: "name two-lines",
  },
  {
    heading: "State",
    cell: (job) => (
      <>
        <Badge tone={toneOf(job.state)}>{stateWord(job.state)}</Badge>
        {job.state === JobState.RUNNING && (
          <Meter share={shareDone(job)} label={`Progress of ${titleOf(job)}`} />
        )}
      </>
    ),
  },
  {
    heading: "Result",
    cell: (job) => (
      <>
        {resultText(job)}
        <span class="quiet" title={fullTime(job.createTime)}>
          {time(job.createTime)}
        </span>
      </>
    ),
    class: "number two-lines",
  },
];
