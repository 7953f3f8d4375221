/** A part of a page with a heading. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Given {
  readonly title: string;
  /** Beside the title, such as a count. */
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
  readonly class?: string;
}

export function Panel({ title, aside, children, class: name = "" }: Given) {
  const id = useId();
  return (
    <section class={`panel ${name}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside !== undefined && <div class="aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

type Fact = readonly [label: string, value: ComponentChildren];

/** Labels and values; those without a value are left out. */
export function Facts({ of, class: name = "" }: { of: readonly Fact[]; class?: string }) {
  const told = of.filter(([, value]) => value !== undefined && value !== "" && value !== null);
  return (
    <dl class={`facts ${name}`}>
      {told.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
