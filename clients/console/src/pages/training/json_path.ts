/** Places in JSON: how a value gets to a path and back. */

import type { JsonValue } from "@bufbuild/protobuf";

export type Json = { [name: string]: JsonValue };

/** Returns the object at a path, made where it is missing. */
export function reach(json: Json, names: readonly string[]): Json {
  return names.reduce((at, name) => (at[name] ??= {}) as Json, json);
}

export function valueAt(json: JsonValue | undefined, path: string): JsonValue | undefined {
  let at = json;
  for (const name of path.split(".")) {
    if (typeof at !== "object" || at === null || Array.isArray(at)) return undefined;
    at = at[name];
  }
  return at;
}

export function remove(json: Json, [name, ...inner]: readonly string[]): void {
  const held = name === undefined ? undefined : json[name];
  if (name === undefined || held === undefined) return;
  if (inner.length === 0) delete json[name];
  else if (typeof held === "object" && held !== null && !Array.isArray(held)) remove(held, inner);
}

/** Returns the paths of everything that has a value. */
export function pathsIn(json: Json, before = ""): string[] {
  return Object.entries(json).flatMap(([name, value]) => {
    const isInner = typeof value === "object" && value !== null && !Array.isArray(value);
    return isInner ? pathsIn(value, `${before}${name}.`) : [before + name];
  });
}

/** Returns the same without objects in which nothing is. */
export function withoutEmpty(json: Json): Json {
  const kept = Object.entries(json).map(([name, value]): [string, JsonValue] => {
    const isInner = typeof value === "object" && value !== null && !Array.isArray(value);
    return [name, isInner ? withoutEmpty(value) : value];
  });
  return Object.fromEntries(kept.filter(([, value]) => JSON.stringify(value) !== "{}"));
}
