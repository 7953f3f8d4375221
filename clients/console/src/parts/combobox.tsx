/** A line to type into, with suggestions below it; what is typed need not be one of them. */

import { useId, useRef, useState } from "preact/hooks";

export interface Suggestion {
  readonly value: string;
  /** At the right: what helps to choose. */
  readonly detail?: string;
}

interface Given {
  readonly id: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly suggestions: readonly Suggestion[];
  readonly placeholder?: string;
  readonly isInvalid?: boolean;
  readonly describedBy?: string | undefined;
  readonly isRequired?: boolean;
}

const MOST = 200;

export function Combobox(given: Given) {
  const { id, value, onValue, suggestions, placeholder, isInvalid, describedBy, isRequired } =
    given;
  const listId = useId();
  const list = useRef<HTMLUListElement>(null);
  const [isOpen, setOpen] = useState(false);
  const [isTyped, setTyped] = useState(false);
  const [at, setAt] = useState(-1);
  const fitting = isTyped ? fittingOf(suggestions, value) : suggestions;
  const shown = fitting.slice(0, MOST);

  const open = (): void => {
    setOpen(true);
    setAt(shown.findIndex((one) => one.value === value));
  };
  const close = (): void => {
    setOpen(false);
    setTyped(false);
  };
  const choose = (chosen: string): void => {
    onValue(chosen);
    close();
  };
  const move = (to: number): void => {
    if (!isOpen) return open();
    const next = (to + shown.length) % shown.length;
    setAt(next);
    list.current?.children[next]?.scrollIntoView({ block: "nearest" });
  };
  const keys: Record<string, () => void> = {
    ArrowDown: () => move(at + 1),
    ArrowUp: () => move(at - 1),
    Escape: close,
    Enter: () => {
      const chosen = shown[at];
      if (isOpen && chosen) choose(chosen.value);
      else close();
    },
  };
  return (
    <div class="combobox">
      <input
        id={id}
        role="combobox"
        aria-expanded={isOpen && shown.length > 0}
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={isOpen && at >= 0 ? `${listId}-${at}` : undefined}
        aria-invalid={isInvalid}
        aria-describedby={describedBy}
        aria-required={isRequired}
        autocomplete="off"
        spellcheck={false}
        placeholder={placeholder ?? ""}
        value={value}
        onClick={open}
        onBlur={close}
        onInput={(event) => {
          setOpen(true);
          setTyped(true);
          setAt(0);
          onValue(event.currentTarget.value);
        }}
        onKeyDown={(event) => {
          const does = keys[event.key];
          if (!does || (event.key === "Escape" && !isOpen)) return;
          does();
          event.preventDefault();
        }}
      />
      {isOpen && shown.length > 0 && (
        <ul id={listId} role="listbox" ref={list}>
          {shown.map((one, index) => (
            <li
              key={one.value}
              id={`${listId}-${index}`}
              role="option"
              aria-selected={index === at}
              onMouseDown={(event) => {
                event.preventDefault();
                choose(one.value);
              }}
            >
              <span>{one.value}</span>
              <span class="quiet">{one.detail}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Returns the suggestions that fit; those that begin as typed come first. */
function fittingOf(suggestions: readonly Suggestion[], typed: string): Suggestion[] {
  const begins = (one: Suggestion): number =>
    one.value.toLowerCase().startsWith(typed.toLowerCase()) ? 0 : 1;
  return suggestions.filter((one) => fits(one.value, typed)).sort((a, b) => begins(a) - begins(b));
}

/** Whether all words that were typed are in a name, in any order. */
function fits(name: string, typed: string): boolean {
  const plain = name.toLowerCase();
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => plain.includes(word));
}
