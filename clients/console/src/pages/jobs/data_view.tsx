/** What a look at every image gave: how many of each class, what cannot be used, what is in both splits. */

import type { DataReport } from "@vertebra/client/v1/trainer";

import { Digest } from "../../parts/digest";
import { Empty, Notice } from "../../parts/notice";
import { Facts } from "../../parts/panel";
import { Table } from "../../parts/table";
import { exact, metric } from "../../words";
import type { Story } from "./story";

const MOST = 100;

export function DataView({ story }: { story: Story }) {
  const { report } = story.log;
  if (!report) return <Empty>Every image is read before the first step.</Empty>;
  return (
    <div class="data">
      <Facts
        of={[
          [
            "Images",
            `${exact(report.numTrainImages)} to train, ${exact(report.numValidationImages)} to validate`,
          ],
          ["Mean", report.mean.map(metric).join("  ")],
          ["Standard deviation", report.std.map(metric).join("  ")],
          ["Fingerprint", <Digest of={report.fingerprint} />],
        ]}
      />
      {report.warnings.map((text) => (
        <Notice kind="warning" key={text}>
          {text}
        </Notice>
      ))}
      <div class="two">
        <Table
          caption="Images of every class"
          columns={[
            { heading: "Class", cell: ({ name }) => name, class: "name" },
            {
              heading: "Train",
              cell: ({ numTrainImages }) => exact(numTrainImages),
              isNumber: true,
            },
            {
              heading: "Validate",
              cell: ({ numValidationImages }) => exact(numValidationImages),
              isNumber: true,
            },
          ]}
          rows={report.classes}
          keyOf={({ name }) => name}
        />
        <div>
          {report.numUnusable > 0 && <Unusable report={report} />}
          {report.numLeaks > 0 && <Leaks report={report} />}
        </div>
      </div>
    </div>
  );
}

function Unusable({ report }: { report: DataReport }) {
  return (
    <Table
      caption={`${exact(report.numUnusable)} images that cannot be used`}
      columns={[
        {
          heading: `Cannot be used (${exact(report.numUnusable)})`,
          cell: ({ path }) => path,
          class: "name",
        },
        { heading: "Because", cell: ({ reason }) => reason },
      ]}
      rows={report.unusable.slice(0, MOST)}
      keyOf={({ path }) => path}
    />
  );
}

function Leaks({ report }: { report: DataReport }) {
  return (
    <Table
      caption="Pictures that are in both splits"
      columns={[
        {
          heading: `In both splits (${exact(report.numLeaks)})`,
          cell: ({ trainPath }) => trainPath,
          class: "name",
        },
        { heading: "Validation", cell: ({ validationPath }) => validationPath, class: "name" },
        {
          heading: "How alike",
          cell: ({ isIdentical }) => (isIdentical ? "same bytes" : "looks the same"),
        },
      ]}
      rows={report.leaks.slice(0, MOST)}
      keyOf={({ trainPath, validationPath }) => `${trainPath}|${validationPath}`}
    />
  );
}
