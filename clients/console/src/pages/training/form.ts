/**
 * The form of a training as data, and the spec that follows from what was chosen. No page here.
 *
 * What a setting is called and means is the trainer's to say (GetTrainForm); here is only how a
 * value goes to its place in the JSON of a TrainJobSpec.
 */

import { type DescField, type DescMessage, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import {
  type FormChoice,
  type FormField,
  FormField_Kind as Kind,
  type FormSection,
  type TrainForm,
  TrainJobSpecSchema,
} from "@vertebra/client/v1/trainer";

import { type Json, reach, remove, valueAt, withoutEmpty } from "./json_path";
import { faultOf, isTable, type Row, rowsOf, tableJson } from "./rows";
import { spanJson, spokenSpan } from "./time_spans";
import { plain } from "./values";

export { Kind, plain };
export type { FormChoice, FormField, FormSection, TrainForm };

/** What was chosen: numbers as they were typed, lists as their lines, tables as their rows. */
export type Chosen = boolean | string | readonly Row[];

/** Path -> what was chosen there. What is not in it is as the server has it. */
export type Choices = Readonly<Record<string, Chosen>>;

const LONG = new Set([ScalarType.INT64, ScalarType.UINT64]);

/** Where in the form something is wrong. */
export interface Place {
  readonly path: string;
  /** What of the setting. */
  readonly part: string;
}

/** The form, with its fields by their paths. */
export class Form {
  readonly sections: readonly FormSection[];
  readonly fields: ReadonlyMap<string, FormField>;

  constructor({ sections }: TrainForm) {
    this.sections = sections;
    this.fields = new Map(sections.flatMap(({ fields }) => fields.map((one) => [one.path, one])));
  }

  /** Returns what holds at a path: what was chosen, else the default, else null. */
  value(choices: Choices, path: string): JsonValue {
    const chosen = choices[path];
    const field = this.fields.get(path);
    if (chosen !== undefined && chosen !== "" && field) return jsonOf(field, chosen);
    return field ? plain(field.defaultValue) : null;
  }

  /** Whether a setting is asked for, as the others stand. */
  isShown(choices: Choices, { shownWhen }: FormField): boolean {
    return shownWhen.every(({ path, values }) => {
      const held = this.value(choices, path);
      return values.some((one) => plain(one) === held);
    });
  }

  /** Returns the settings that are asked for. */
  shown(choices: Choices): FormField[] {
    return [...this.fields.values()].filter((field) => this.isShown(choices, field));
  }

  /** Returns what must be chosen and is not. */
  missing(choices: Choices): FormField[] {
    return this.shown(choices).filter(
      (field) => field.isRequired && this.value(choices, field.path) === null,
    );
  }

  /** Returns what was typed and cannot be read: path -> why. */
  unreadable(choices: Choices): Map<string, string> {
    const found = new Map<string, string>();
    for (const field of this.shown(choices)) {
      const why = unreadable(field, choices[field.path]);
      if (why) found.set(field.path, why);
    }
    return found;
  }

  /** Returns the choices without those that cannot be read: the others are planned all the same. */
  readable(choices: Choices): Choices {
    const odd = this.unreadable(choices);
    return Object.fromEntries(Object.entries(choices).filter(([path]) => !odd.has(path)));
  }

  /**
   * Returns the JSON of the spec: what differs from the server's own defaults.
   *
   * @param rest what the form does not ask for, such as labels of a job that is trained again.
   */
  spec(choices: Choices, rest: Json = {}): Json {
    const spec = structuredClone(rest);
    for (const field of this.shown(choices)) {
      const value = this.value(choices, field.path);
      const isDefault = value === plain(field.defaultValue) || value === null;
      if (!isDefault) put(spec, field, value);
    }
    return spec;
  }

  /** Returns the choices that a spec's JSON amounts to, and what of it the form does not ask for. */
  choicesOf(spec: Json): { choices: Choices; rest: Json } {
    const rest = structuredClone(spec);
    const choices: Record<string, Chosen> = {};
    for (const field of this.fields.values()) {
      const chosen = chosenOf(field, valueAt(spec, field.path));
      if (chosen !== undefined) choices[field.path] = chosen;
      if (!isMessage(field)) remove(rest, field.path.split("."));
    }
    return { choices, rest: withoutEmpty(rest) };
  }

  /**
   * Returns the setting that a refused field belongs to, and what of it is meant where that is not
   * all: `Row 2, farthest`, or the name of what the form does not ask for. The path is empty where
   * it belongs to none.
   */
  placeOf(refused: string): Place {
    const names = refused.replace(/^spec\./, "").split(".");
    const plainNames = names.map((name) => camel(name.replace(/\[[^\]]*\]/g, "")));
    for (let length = names.length; length > 0; length -= 1) {
      const path = plainNames.slice(0, length).join(".");
      const field = this.fields.get(path);
      if (!field) continue;
      const inside = plainNames.slice(length).join(".");
      const label = field.row.find((one) => one.path === inside)?.label.toLowerCase();
      const [, row] = /\[(\d+)\]$/.exec(names[length - 1] as string) ?? [];
      const part = [row && `Row ${Number(row) + 1}`, label ?? inside].filter(Boolean).join(", ");
      return { path, part };
    }
    return { path: "", part: names.join(".") };
  }

  /** Returns a text of the trainer's with the labels of settings and choices for their names. */
  inItsWords(text: string, shown: readonly FormField[]): string {
    const fields = [...this.fields.values()];
    const withChoices = text.replace(/\b[A-Z]+(_[A-Z0-9]+)+\b/g, (name) => {
      const choices = fields.flatMap((field) => field.choices);
      const choice = choices.find(({ value }) => String(plain(value)).endsWith(`_${name}`));
      return choice ? `\u201c${choice.label}\u201d` : name;
    });
    return withChoices.replace(/\b[a-z]+(_[a-z0-9]+)+\b/g, (name) => {
      const wanted = camel(name);
      const field = [...shown, ...fields].find(({ path }) => path.split(".").at(-1) === wanted);
      return field ? `\u201c${field.label}\u201d` : name;
    });
  }
}

function camel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Returns the contract's field at a path. */
function place(path: string): DescField | undefined {
  let message: DescMessage | undefined = TrainJobSpecSchema;
  let found: DescField | undefined;
  for (const name of path.split(".")) {
    found = message?.fields.find((field: DescField) => field.jsonName === name);
    message = found?.message;
  }
  return found;
}

/** Whether the setting chooses which message is there, not a value. */
function isMessage(field: FormField): boolean {
  return (
    (field.kind === Kind.CHOICE || field.kind === Kind.TOGGLE) &&
    place(field.path)?.fieldKind === "message"
  );
}

function jsonOf(field: FormField, chosen: Chosen): JsonValue {
  if (typeof chosen === "boolean") return chosen;
  if (typeof chosen !== "string") return chosen.length ? tableJson(field, chosen) : null;
  if (field.kind === Kind.DURATION) return spanJson(chosen) ?? null;
  if (field.kind === Kind.INTEGER || field.kind === Kind.NUMBER)
    return numberOf(field, chosen.trim());
  if (field.kind !== Kind.LIST) return chosen.trim() || null;
  const lines = linesOf(chosen);
  return lines.length ? (isOfNumbers(field) ? lines.map(Number) : lines) : null;
}

/** Whether a list's lines are numbers. */
function isOfNumbers({ path }: FormField): boolean {
  const found = place(path);
  return (
    found?.fieldKind === "list" && found.scalar !== undefined && found.scalar !== ScalarType.STRING
  );
}

function numberOf(field: FormField, text: string): JsonValue {
  const { scalar } = place(field.path) ?? {};
  const isLong =
    scalar !== undefined && LONG.has(scalar as ScalarType) && !Number.isSafeInteger(Number(text));
  return isLong ? text : Number(text);
}

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

function unreadable(field: FormField, chosen: Chosen | undefined): string {
  if (typeof chosen === "object") return faultOf(field, chosen);
  if (typeof chosen !== "string" || !chosen.trim()) return "";
  const text = chosen.trim();
  if (field.kind === Kind.INTEGER && !/^[+-]?\d+$/.test(text)) return `${text} is no whole number`;
  if (field.kind === Kind.DURATION && spanJson(text) === undefined)
    return `${text} is no span of time: 1h30m, 90 min or 45 s`;
  if (field.kind === Kind.NUMBER && !Number.isFinite(Number(text))) return `${text} is no number`;
  const lines = field.kind === Kind.LIST && isOfNumbers(field) ? linesOf(text) : [];
  const odd = lines.find((line) => !Number.isFinite(Number(line)));
  return odd === undefined ? "" : `${odd} is no number`;
}

function put(spec: Json, field: FormField, value: JsonValue): void {
  const names = field.path.split(".");
  if (isMessage(field)) {
    if (field.kind === Kind.CHOICE) names.push(String(value));
    else if (!value) return;
    reach(spec, names);
    return;
  }
  reach(spec, names.slice(0, -1))[names.at(-1) as string] = value;
}

function chosenOf(field: FormField, value: JsonValue | undefined): Chosen | undefined {
  if (value === undefined || value === null) return undefined;
  if (isMessage(field)) {
    if (field.kind === Kind.TOGGLE) return true;
    return field.choices
      .map((one) => String(plain(one.value)))
      .find((name) => name in (value as Json));
  }
  if (typeof value === "boolean") return value;
  if (isTable(field)) return rowsOf(field, value);
  if (field.kind === Kind.DURATION) return spokenSpan(String(value));
  return Array.isArray(value) ? value.join("\n") : String(value);
}
