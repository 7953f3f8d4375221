/** What happened, the newest first. Texts of others are shown as text. */

import { Fragment } from "preact";
import { useState } from "preact/hooks";

import { Empty } from "../../parts/notice";
import { Badge } from "../../parts/badge";
import { clock, exact, fullTime } from "../../words";
import type { Story } from "./story";

const MOST = 300;

export function EventsView({ story }: { story: Story }) {
  const [most, setMost] = useState(MOST);
  const shown = story.log.newest(most);
  const { gap } = story;
  const beforeGap = gap && shown.find(({ event }) => event.seq <= gap.after);
  if (!shown.length) return <Empty>Nothing has happened yet.</Empty>;
  return (
    <ol class="events">
      {shown.map(({ event, line }) => (
        <Fragment key={String(event.seq)}>
          {gap && beforeGap?.event === event && (
            <li class="quiet">{exact(gap.count)} events in between are not shown</li>
          )}
          <li data-seq={String(event.seq)}>
            <time title={fullTime(event.time)}>{clock(event.time)}</time>
            <span class="what">
              {line.tone === "plain" ? line.label : <Badge tone={line.tone}>{line.label}</Badge>}
            </span>
            <span class="lines">{line.text}</span>
          </li>
        </Fragment>
      ))}
      {story.log.numLines > most && (
        <li>
          <button type="button" class="button plain" onClick={() => setMost(most + MOST)}>
            Older ones
          </button>
        </li>
      )}
    </ol>
  );
}
