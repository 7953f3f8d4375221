/** A page of things: what there is at the left, narrowed down by words and choices, one at the right. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { plural } from "../words";
import type { Asked } from "./asked";
import { Empty, Failure } from "./notice";
import { type Column, Table } from "./table";

interface Given<R> {
  /** What they are, in the plural: `models`. */
  readonly noun: string;
  readonly asked: Asked<readonly R[]>;
  readonly columns: readonly Column<R>[];
  readonly keyOf: (row: R) => string;
  readonly chosen: string | undefined;
  readonly onChoose: (row: R) => void;
  /** Fields that narrow the list down. */
  readonly filters: ComponentChildren;
  /** What to say where nothing is. */
  readonly empty: ComponentChildren;
  /** The chosen one. */
  readonly children: ComponentChildren;
}

export function Browse<R>(given: Given<R>) {
  const { noun, asked, columns, keyOf, chosen, onChoose, filters, empty, children } = given;
  const rows = asked.value ?? [];
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [chosen, asked.value]);
  return (
    <div class="browse">
      <aside class="browse-list" aria-label={`The ${noun}`} aria-busy={asked.isAsking}>
        <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
          {filters}
        </form>
        <Failure of={asked.failure} />
        <div class="browse-rows" ref={list}>
          <Table
            caption={`The ${noun}`}
            columns={columns}
            rows={rows}
            keyOf={keyOf}
            chosen={chosen}
            onChoose={onChoose}
          />
          {asked.value && !rows.length && <Empty>{empty}</Empty>}
        </div>
        <p class="quiet browse-total" role="status">
          {asked.value && plural(rows.length, noun.replace(/s$/, ""))}
        </p>
      </aside>
      <section class="browse-detail" aria-label={`One of the ${noun}`}>
        {children}
      </section>
    </div>
  );
}

interface SearchGiven {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
}

/** A line for words. */
export function Search({ label, value, onValue }: SearchGiven) {
  return (
    <label class="grow">
      <span class="unseen">{label}</span>
      <input
        type="search"
        placeholder={label}
        spellcheck={false}
        value={value}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
    </label>
  );
}

interface ChoiceGiven extends SearchGiven {
  /** Value and word of each; none of them is `""`. */
  readonly options: readonly (readonly [value: string, word: string])[];
  /** What no choice is called. */
  readonly any: string;
}

/** One of several, or any. */
export function Choice({ label, value, onValue, options, any }: ChoiceGiven) {
  return (
    <label>
      <span class="unseen">{label}</span>
      <select class="select" value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        <option value="">{any}</option>
        {options.map(([one, word]) => (
          <option key={one} value={one}>
            {word}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Yes, or no matter. */
export function Tick({
  label,
  isOn,
  onValue,
}: {
  label: string;
  isOn: boolean;
  onValue: (isOn: boolean) => void;
}) {
  return (
    <label class="tick">
      <input
        type="checkbox"
        checked={isOn}
        onChange={(event) => onValue(event.currentTarget.checked)}
      />{" "}
      {label}
    </label>
  );
}

/** Returns a filter of the contract: all conditions that are there. */
export function allOf(...conditions: readonly (string | false)[]): string {
  return conditions.filter(Boolean).join(" AND ");
}

/** Returns the condition that a field has all of some words in it, in any order. */
export function hasWords(field: string, words: string): string {
  const typed = words.trim().split(/\s+/).filter(Boolean);
  return allOf(...typed.map((word) => `${field} : ${JSON.stringify(`*${word}*`)}`));
}
