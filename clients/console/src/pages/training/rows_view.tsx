/** A table of settings: a row an entry, each with what its kind asks for. */

import { Button } from "../../parts/button";
import type { Control } from "./field_view";
import { type FormField, Kind, plain } from "./form";
import { askedOf, isNumber, newRow, type Row } from "./rows";
import { usualText } from "./values";

export function Rows({ id, field, chosen, onChosen, describedBy }: Control) {
  const rows = Array.isArray(chosen) ? (chosen as readonly Row[]) : [];
  const change = (index: number, row: Row): void => onChosen(rows.with(index, row));
  const hasOrder = field.kind === Kind.TABLE;
  return (
    <div
      class="table-rows"
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
  return (
    <label class={isNumber(inner) ? "cell number" : "cell"} title={inner.help}>
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
