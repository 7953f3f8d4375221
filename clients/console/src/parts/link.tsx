/** A link within the console: no page is loaded anew, but for a new tab. */

import type { ComponentChildren } from "preact";

import { go } from "../address";

interface Given {
  readonly to: string;
  readonly children: ComponentChildren;
  readonly class?: string;
  readonly title?: string;
  readonly "aria-current"?: "page" | undefined;
  readonly "aria-label"?: string;
}

export function Link({ to, children, ...rest }: Given) {
  const follow = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(to);
  };
  return (
    <a {...rest} href={to} onClick={follow}>
      {children}
    </a>
  );
}
