/** One setting: its label, how it is entered, what it means, and what is wrong with it. */

import { useId } from "preact/hooks";

import { Combobox, type Suggestion } from "../../parts/combobox";
import { Rows } from "./rows_view";
import { type Chosen, type FormChoice, type FormField, Kind, plain } from "./form";

export interface FieldGiven {
  readonly field: FormField;
  readonly chosen: Chosen | undefined;
  /** What holds now: what was chosen, or the default. */
  readonly value: unknown;
  readonly onChosen: (chosen: Chosen) => void;
  /** What the server would take where nothing is chosen. */
  readonly usual: string;
  /** What is wrong. */
  readonly problem: string | undefined;
  readonly suggestions: readonly Suggestion[];
}

/** What a control needs beside its value. */
export interface Control extends FieldGiven {
  readonly id: string;
  readonly describedBy: string;
}

export function FieldView(given: FieldGiven) {
  const { field, problem } = given;
  const id = useId();
  const control = { ...given, id, describedBy: `${id}-help ${id}-problem` };
  const Shown = controlOf(field);
  const isOpen = Shown === Toggle || Shown === Cards;
  return (
    <div class={`field ${isOpen ? "open" : ""} ${problem ? "wrong" : ""}`} data-path={field.path}>
      {Shown === Cards || Shown === Rows ? (
        <span class="label" id={`${id}-label`}>
          {field.label}
        </span>
      ) : (
        <label class="label" for={id} id={`${id}-label`}>
          {field.label}
          {field.isRequired && <span class="required" title="required" />}
        </label>
      )}
      <div class="entry">
        <Shown {...control} />
        <Told {...control} isOpen={isOpen} />
        <p class="problem" id={`${id}-problem`} role={problem ? "alert" : undefined}>
          {problem}
        </p>
      </div>
    </div>
  );
}

/** What the setting means: beside toggles in sight, of others in `HelpLine` while one is at them. */
function Told({ id, field, value, isOpen }: Control & { isOpen: boolean }) {
  if (isOpen && field.kind === Kind.TOGGLE) {
    const choice = chosenOf(field, value);
    return (
      <p class="help" id={`${id}-help`}>
        {choice?.help}
        {choice?.advice && <em>{choice.advice}</em>}
      </p>
    );
  }
  return (
    <p class="unseen" id={`${id}-help`}>
      {helpOf(field, value)}
    </p>
  );
}

/** What a setting means, and what its choice does and when to choose it, in one line. */
function helpOf(field: FormField, value: unknown): string {
  const choice = chosenOf(field, value);
  const chosen = choice?.help ? `${choice.label}: ${choice.help}` : "";
  return [field.help, chosen, choice?.advice].filter(Boolean).join(" ");
}

/** A line at the foot of the page about the setting that one is at. */
export function HelpLine({ field, value }: { field: FormField | undefined; value: unknown }) {
  return (
    <p class="help-line" aria-hidden="true">
      {field && (
        <>
          <b>{field.label}</b>
          <span>{helpOf(field, value)}</span>
          {field.flag && <code>{field.flag}</code>}
        </>
      )}
    </p>
  );
}

function chosenOf({ choices }: FormField, value: unknown): FormChoice | undefined {
  return choices.find((one) => plain(one.value) === value);
}

function controlOf(field: FormField): (control: Control) => preact.JSX.Element {
  if (field.kind === Kind.CHOICE && field.choices.every(({ advice }) => advice)) return Cards;
  return CONTROLS[field.kind] ?? Line;
}

function Toggle({ id, field, value, onChosen, describedBy }: Control) {
  const choice = chosenOf(field, value);
  return (
    <button
      id={id}
      type="button"
      role="switch"
      class="switch"
      aria-checked={value === true}
      aria-describedby={describedBy}
      title={choice?.help}
      onClick={() => onChosen(value !== true)}
    >
      <i aria-hidden="true" />
    </button>
  );
}

/** Choices that each say when to use them, all in sight. */
function Cards({ id, field, value, onChosen, describedBy }: Control) {
  return (
    <div
      class="cards"
      role="radiogroup"
      aria-labelledby={`${id}-label`}
      aria-describedby={describedBy}
    >
      {field.choices.map((choice) => {
        const name = String(plain(choice.value));
        return (
          <label key={name} title={choice.help}>
            <input
              type="radio"
              name={id}
              value={name}
              checked={plain(choice.value) === value}
              onChange={() => onChosen(name)}
            />
            <span>
              <b>{choice.label}</b> <span class="quiet">{choice.help}</span>{" "}
              <em>{choice.advice}</em>
            </span>
          </label>
        );
      })}
    </div>
  );
}

function Select({ id, field, value, onChosen, describedBy, problem }: Control) {
  const hasEmpty = field.choices.some((one) => plain(one.value) === null);
  return (
    <select
      id={id}
      class="select"
      aria-describedby={describedBy}
      aria-invalid={!!problem}
      value={value === null ? "" : String(value)}
      onChange={(event) => onChosen(event.currentTarget.value)}
    >
      {!hasEmpty && !field.defaultValue && <option value="">{"\u2013"}</option>}
      {field.choices.map((choice) => {
        const name = plain(choice.value);
        return (
          <option key={String(name)} value={name === null ? "" : String(name)}>
            {choice.label}
          </option>
        );
      })}
    </select>
  );
}

function Line({ id, field, chosen, onChosen, describedBy, problem, usual }: Control) {
  const isNumber = field.kind === Kind.INTEGER || field.kind === Kind.NUMBER;
  return (
    <span class={isNumber ? "line number" : "line"}>
      <input
        id={id}
        type="text"
        inputMode={isNumber ? "decimal" : undefined}
        spellcheck={false}
        autocomplete="off"
        aria-describedby={describedBy}
        aria-invalid={!!problem}
        aria-required={field.isRequired}
        placeholder={usual}
        value={typeof chosen === "string" ? chosen : ""}
        onInput={(event) => onChosen(event.currentTarget.value)}
      />
      {field.unit && <span class="unit">{field.unit}</span>}
    </span>
  );
}

function Lines({ id, chosen, onChosen, describedBy, problem, usual }: Control) {
  const text = typeof chosen === "string" ? chosen : "";
  return (
    <textarea
      id={id}
      rows={Math.min(8, Math.max(2, text.split("\n").length))}
      spellcheck={false}
      aria-describedby={describedBy}
      aria-invalid={!!problem}
      placeholder={usual}
      value={text}
      onInput={(event) => onChosen(event.currentTarget.value)}
    />
  );
}

function Suggested({
  id,
  field,
  chosen,
  onChosen,
  describedBy,
  problem,
  usual,
  suggestions,
}: Control) {
  return (
    <Combobox
      id={id}
      value={typeof chosen === "string" ? chosen : ""}
      onValue={onChosen}
      suggestions={suggestions}
      placeholder={usual}
      isInvalid={!!problem}
      describedBy={describedBy}
      isRequired={field.isRequired}
    />
  );
}

const CONTROLS: Partial<Record<Kind, (control: Control) => preact.JSX.Element>> = {
  [Kind.TOGGLE]: Toggle,
  [Kind.CHOICE]: Select,
  [Kind.LIST]: Lines,
  [Kind.ARCHITECTURE]: Suggested,
  [Kind.WEIGHTS]: Suggested,
  [Kind.TABLE]: Rows,
  [Kind.MAP]: Rows,
};
