/** A table: a column has a heading and says what it shows of a row. */

import type { ComponentChildren, HTMLAttributes } from "preact";

export interface Column<R> {
  readonly heading: string;
  readonly cell: (row: R) => ComponentChildren;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
  /** Says more about the heading. */
  readonly title?: string;
  readonly class?: string;
}

interface Given<R> {
  readonly columns: readonly Column<R>[];
  readonly rows: readonly R[];
  readonly keyOf: (row: R) => string;
  /** What the table is, for those who do not see it. */
  readonly caption: string;
  /** A row can be chosen: by a click, or by Enter where the row has the focus. One row is a stop of
   *  the Tab key, the chosen one or the first; arrows lead to the others. */
  readonly onChoose?: (row: R) => void;
  readonly chosen?: string | undefined;
}

export function Table<R>({ columns, rows, keyOf, caption, onChoose, chosen }: Given<R>) {
  const stop = rows.find((row) => keyOf(row) === chosen) ?? rows[0];
  const choosing = (row: R): HTMLAttributes<HTMLTableRowElement> => {
    if (!onChoose) return {};
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.target === event.currentTarget) onRowKey(event, () => onChoose(row));
    };
    return {
      tabIndex: row === stop ? 0 : -1,
      onClick: () => onChoose(row),
      onKeyDown,
      "aria-selected": keyOf(row) === chosen,
    };
  };
  return (
    <div class="scroll-x">
      <table class={onChoose ? "table choosing" : "table"}>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ heading, isNumber, title }) => (
              <th scope="col" class={isNumber ? "number" : ""} title={title}>
                {heading}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} {...choosing(row)}>
              {columns.map(({ heading, cell, isNumber, class: name = "" }) => (
                <td key={heading} class={isNumber ? `number ${name}` : name}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function onRowKey(event: KeyboardEvent, choose: () => void): void {
  const row = event.currentTarget as HTMLElement;
  const other = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[
    event.key
  ];
  if (event.key === "Enter" || event.key === " ") choose();
  else if (other instanceof HTMLElement) other.focus();
  else return;
  event.preventDefault();
}
