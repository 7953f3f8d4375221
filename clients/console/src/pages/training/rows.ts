/** Settings that are tables: rows of settings, what they amount to as JSON, what is wrong in them. */

import type { JsonValue } from "@bufbuild/protobuf";
import { type FormField, FormField_Kind as Kind } from "@vertebra/client/v1/trainer";

import { type Json, reach, valueAt } from "./json_path";
import { plain } from "./values";

/** Path within the row -> what was typed; at the empty path which of several the row is. */
export type Row = Readonly<Record<string, string>>;

export function isTable({ kind }: FormField): boolean {
  return kind === Kind.TABLE || kind === Kind.MAP;
}

/** Returns a row as it is added: the first of several, and nothing typed. */
export function newRow({ row }: FormField): Row {
  const [first] = row.find(({ path }) => path === "")?.choices ?? [];
  return first ? { "": String(plain(first.value)) } : {};
}

/** Returns what a row asks for, as it stands. */
export function askedOf({ row: fields }: FormField, row: Row): FormField[] {
  return fields.filter(({ shownWhen }) =>
    shownWhen.every(({ path, values }) =>
      values.some((one) => String(plain(one)) === (row[path] ?? "")),
    ),
  );
}

/** Returns the rows as JSON: a list, of a map an object. */
export function tableJson(field: FormField, rows: readonly Row[]): JsonValue {
  const entries = rows.map((row) => entryJson(field, row));
  if (field.kind === Kind.TABLE) return entries;
  return Object.fromEntries(entries.map(({ key, value }) => [String(key ?? ""), value ?? ""]));
}

function entryJson(field: FormField, row: Row): Json {
  const entry: Json = {};
  for (const inner of askedOf(field, row)) {
    const text = (row[inner.path] ?? "").trim();
    if (!text) continue;
    if (inner.path === "") {
      const isValue = field.row.some(({ path }) => path === text);
      if (!isValue) reach(entry, [text]);
      continue;
    }
    const names = inner.path.split(".");
    reach(entry, names.slice(0, -1))[names.at(-1) as string] = isNumber(inner)
      ? Number(text)
      : text;
  }
  return entry;
}

/** Returns the rows that JSON amounts to. */
export function rowsOf(field: FormField, json: JsonValue): Row[] {
  if (field.kind === Kind.MAP) {
    return Object.entries(json as Json).map(([key, value]) => ({ key, value: String(value) }));
  }
  return (json as Json[]).map((entry) => {
    const row: Record<string, string> = {};
    for (const inner of field.row) {
      const held = inner.path ? valueAt(entry, inner.path) : whichOf(inner, entry);
      if (held !== undefined && held !== null) row[inner.path] = String(held);
    }
    return row;
  });
}

function whichOf({ choices }: FormField, entry: Json): string | undefined {
  return choices.map((one) => String(plain(one.value))).find((name) => name in entry);
}

/** Returns what is missing or cannot be read, with the number of its row; empty for nothing. */
export function faultOf(field: FormField, rows: readonly Row[]): string {
  const faults = rows.flatMap((row, index) =>
    askedOf(field, row).map((inner) => {
      const why = faultIn(inner, (row[inner.path] ?? "").trim());
      return why && `Row ${index + 1}: ${why}`;
    }),
  );
  const keys = field.kind === Kind.MAP ? rows.map(({ key }) => (key ?? "").trim()) : [];
  const twice = keys.find((key, index) => key && keys.indexOf(key) !== index);
  if (twice !== undefined) faults.push(`${twice} is there twice`);
  return faults.filter(Boolean).join("\n");
}

function faultIn(inner: FormField, text: string): string {
  if (!text) return inner.isRequired ? `${inner.label.toLowerCase()} is missing` : "";
  if (inner.kind === Kind.INTEGER && !/^[+-]?\d+$/.test(text)) return `${text} is no whole number`;
  if (isNumber(inner) && !Number.isFinite(Number(text))) return `${text} is no number`;
  return "";
}

export function isNumber({ kind }: FormField): boolean {
  return kind === Kind.INTEGER || kind === Kind.NUMBER;
}
