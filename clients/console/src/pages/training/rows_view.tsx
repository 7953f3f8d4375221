/** A table of settings: a row an entry, each with what its kind asks for. */

import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { Button } from "../../parts/button";
import type { Control } from "./field_view";
import { type FormField, Kind, plain } from "./form";
import { askedOf, isNumber, newRow, type Row } from "./rows";
import { usualText } from "./values";

export function Rows({ id, field, chosen, onChosen, describedBy }: Control) {
  const rows = Array.isArray(chosen) ? (chosen as readonly Row[]) : [];
  const change = (index: number, row: Row): void => onChosen(rows.with(index, row));
  const hasOrder = field.kind === Kind.TABLE;
  const place = useRef<HTMLDivElement>(null);
  useFollowingFocus(place, rows.length);
  return (
    <div
      class="table-rows"
      ref={place}
      id={id}
      role="group"
      aria-labelledby={`${id}-label`}
      aria-describedby={describedBy}
    >
      {rows.map((row, index) => (
        <div class="row" role="group" aria-label={`Row ${index + 1}`} key={index}>
          {askedOf(field, row).map((inner) => (
            <Cell
              key={inner.path}
              inner={inner}
              text={row[inner.path] ?? ""}
              onText={(text) => change(index, { ...row, [inner.path]: text })}
            />
          ))}
          <span class="row-buttons">
            {hasOrder && index > 0 && (
              <Button title="Move up" onPress={() => onChosen(movedUp(rows, index))}>
                <span aria-hidden="true">{"\u2191"}</span>
              </Button>
            )}
            <Button title="Remove" onPress={() => onChosen(rows.toSpliced(index, 1))}>
              <span aria-hidden="true">{"\u00d7"}</span>
            </Button>
          </span>
        </div>
      ))}
      <Button onPress={() => onChosen([...rows, newRow(field)])}>Add a row</Button>
    </div>
  );
}

/** Where a row comes, it has the focus; where one goes, the button that adds one has it. */
function useFollowingFocus(place: RefObject<HTMLDivElement | null>, count: number): void {
  const before = useRef(count);
  useEffect(() => {
    const isMore = count > before.current;
    const isInside = place.current?.contains(document.activeElement);
    const hasLost = document.activeElement === document.body;
    if (isMore && isInside) {
      place.current?.querySelector<HTMLElement>(".row:last-of-type :is(select, input)")?.focus();
    } else if (count < before.current && (isInside || hasLost)) {
      place.current?.querySelector<HTMLElement>(":scope > .button")?.focus();
    }
    before.current = count;
  }, [count]);
}

function movedUp(rows: readonly Row[], index: number): Row[] {
  return rows.toSpliced(index - 1, 2, rows[index] as Row, rows[index - 1] as Row);
}

interface CellGiven {
  readonly inner: FormField;
  readonly text: string;
  readonly onText: (text: string) => void;
}

/** One setting of a row; its name is in sight, what it means in its tooltip. */
function Cell({ inner, text, onText }: CellGiven) {
  const chosen = inner.choices.find((one) => String(plain(one.value)) === text);
  const help = [chosen?.help, chosen?.advice].filter(Boolean).join(" ") || inner.help;
  return (
    <label class={isNumber(inner) ? "cell number" : "cell"}>
      <span>
        {inner.label}
        {inner.unit && inner.unit !== inner.label.toLowerCase() && (
          <span class="unit"> {inner.unit}</span>
        )}
      </span>
      {inner.kind === Kind.CHOICE ? (
        <select
          class="select"
          aria-label={inner.label}
          title={help}
          value={text}
          onChange={(event) => onText(event.currentTarget.value)}
        >
          {inner.choices.map((choice) => (
            <option key={choice.label} value={String(plain(choice.value))}>
              {choice.label}
            </option>
          ))}
        </select>
      ) : (
        <input
          type="text"
          aria-label={inner.label}
          title={help}
          inputMode={isNumber(inner) ? "decimal" : undefined}
          spellcheck={false}
          autocomplete="off"
          aria-required={inner.isRequired}
          placeholder={usualText(inner)}
          value={text}
          onInput={(event) => onText(event.currentTarget.value)}
        />
      )}
    </label>
  );
}
