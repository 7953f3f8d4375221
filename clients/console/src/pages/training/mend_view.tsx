/** What is still to be chosen, and what is wrong, with what leads to its setting. */

import { Button } from "../../parts/button";
import type { FormField } from "./form";
import type { Problems } from "./preview";

/** Settings by their names, in a line; nothing where there are none. */
export function Named({ what, fields }: { what: string; fields: readonly FormField[] }) {
  if (!fields.length) return null;
  return (
    <p class="quiet missing">
      {what}: {fields.map(({ label }) => label.toLowerCase()).join(", ")}.
    </p>
  );
}

interface MendGiven {
  readonly fields: readonly FormField[];
  readonly beside: Problems["beside"];
}

/** Everything that is wrong, with what leads to its setting. */
export function ToMend({ fields, beside }: MendGiven) {
  if (!fields.length) return null;
  return (
    <div class="to-mend" role="group" aria-label="To mend">
      {fields.map(({ path, label }) => (
        <p key={path}>
          <Button kind="plain" onPress={() => leadTo(path)}>
            {label}
          </Button>{" "}
          <span class="lines">{beside.get(path)}</span>
        </p>
      ))}
    </div>
  );
}

function leadTo(path: string): void {
  const place = [...document.querySelectorAll<HTMLElement>(".field[data-path]")].find(
    (one) => one.dataset["path"] === path,
  );
  const folded = place?.closest("details");
  if (folded) folded.open = true;
  place?.scrollIntoView({ block: "center" });
  place?.querySelector<HTMLElement>("input, select, textarea, button")?.focus();
}
