/** A button that says when what it started is not done yet, and shows what went wrong. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

interface Given {
  readonly children: ComponentChildren;
  /** What it does; it cannot be pressed again before that is over. */
  readonly onPress: () => void | Promise<void>;
  readonly kind?: "main" | "plain" | "danger";
  readonly disabled?: boolean;
  readonly title?: string;
  /** Asked before it is done, where it cannot be undone. */
  readonly confirm?: string;
  readonly onFailure?: (failure: Error) => void;
}

export function Button(given: Given) {
  const { children, onPress, kind = "plain", disabled = false, title, confirm, onFailure } = given;
  const [isBusy, setBusy] = useState(false);
  const press = async (): Promise<void> => {
    if (confirm && !window.confirm(confirm)) return;
    setBusy(true);
    try {
      await onPress();
    } catch (thrown) {
      onFailure?.(thrown as Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <button
      type="button"
      class={`button ${kind}`}
      disabled={disabled || isBusy}
      aria-busy={isBusy}
      title={title}
      onClick={() => void press()}
    >
      {children}
    </button>
  );
}
