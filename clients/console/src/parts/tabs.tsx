/** Several views of one thing, of which one is shown; arrows move between their names. */

import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";

export interface Tab {
  readonly id: string;
  readonly label: string;
  readonly show: () => ComponentChildren;
}

interface Given {
  readonly tabs: readonly Tab[];
  readonly chosen: string;
  readonly onChoose: (id: string) => void;
  readonly label: string;
}

export function Tabs({ tabs, chosen, onChoose, label }: Given) {
  const id = useId();
  const names = useRef<HTMLDivElement>(null);
  const at = Math.max(
    0,
    tabs.findIndex((one) => one.id === chosen),
  );
  const move = (event: KeyboardEvent): void => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const next = (at + by + tabs.length) % tabs.length;
    onChoose(tabs[next]?.id ?? "");
    (names.current?.children[next] as HTMLElement | undefined)?.focus();
  };
  return (
    <div class="tabs">
      <div role="tablist" aria-label={label} ref={names} onKeyDown={move}>
        {tabs.map((one, index) => (
          <button
            key={one.id}
            type="button"
            role="tab"
            id={`${id}-${one.id}`}
            aria-selected={index === at}
            aria-controls={`${id}-panel`}
            tabIndex={index === at ? 0 : -1}
            onClick={() => onChoose(one.id)}
          >
            {one.label}
          </button>
        ))}
      </div>
      <div
        role="tabpanel"
        id={`${id}-panel`}
        aria-labelledby={`${id}-${tabs[at]?.id}`}
        tabIndex={0}
      >
        {tabs[at]?.show()}
      </div>
    </div>
  );
}
