/** Values of the form's own data. */

import { type JsonValue, toJson } from "@bufbuild/protobuf";
import { type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import type { FormField } from "@vertebra/client/v1/trainer";

/** Returns a value of the form as JSON; null where there is none. */
export function plain(value: Value | undefined): JsonValue {
  return value ? toJson(ValueSchema, value) : null;
}

/** Returns what an empty line shows: the default, where that is a text or a number. */
export function usualText({ defaultValue }: FormField): string {
  const { kind } = defaultValue ?? {};
  if (kind?.case === "numberValue" && !Number.isInteger(kind.value))
    return String(Number(kind.value.toPrecision(4)));
  return kind?.case === "numberValue" || kind?.case === "stringValue" ? String(kind.value) : "";
}
