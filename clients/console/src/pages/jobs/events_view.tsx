/** What happened, the newest first. Texts of others are shown as text. */

import { useState } from "preact/hooks";

import { Empty } from "../../parts/notice";
import { Badge } from "../../parts/badge";
import { clock, exact, fullTime } from "../../words";
import { lineOf } from "./job_words";
import type { Story } from "./story";

const MOST = 300;

export function EventsView({ story }: { story: Story }) {
  const [most, setMost] = useState(MOST);
  const lines = story.events.flatMap((event) => {
    const line = lineOf(event);
    return line ? [{ event, line }] : [];
  });
  const shown = lines.slice(-most).reverse();
  if (!shown.length) return <Empty>Nothing has happened yet.</Empty>;
  return (
    <ol class="events">
      {shown.map(({ event, line }) => (
        <>
          <li key={String(event.seq)} data-seq={String(event.seq)}>
            <time title={fullTime(event.time)}>{clock(event.time)}</time>
            <span class="what">
              {line.tone === "plain" ? line.label : <Badge tone={line.tone}>{line.label}</Badge>}
            </span>
            <span class="lines">{line.text}</span>
          </li>
          {story.gap?.after === event.seq && (
            <li class="quiet">{exact(story.gap.count)} events before these are not shown</li>
          )}
        </>
      ))}
      {lines.length > most && (
        <li>
          <button type="button" class="button plain" onClick={() => setMost(most + MOST)}>
            Older ones
          </button>
        </li>
      )}
    </ol>
  );
}
