/** Spans of time as people write them, and as JSON has them. */

const UNITS: readonly (readonly [name: string, seconds: number, spelt: RegExp])[] = [
  ["d", 86_400, /^d(ays?)?$/],
  ["h", 3600, /^h(ours?|rs?)?$/],
  ["min", 60, /^m(in|ins|inutes?)?$/],
  ["s", 1, /^s(ec|ecs|econds?)?$/],
];
const SPAN = /^(\s*\d+(\.\d+)?\s*[a-z]+)+\s*$/;
const PART = /(\d+(?:\.\d+)?)\s*([a-z]+)/g;

/** Of google.protobuf.Duration: 10,000 years. */
const MAX_SECONDS = 315_576_000_000;

/** Returns `5400s` for `1h30m`, `1.5 h` or `90 min`; undefined for what is no span of time, or too long. */
export function spanJson(text: string): string | undefined {
  const lower = text.toLowerCase();
  if (!SPAN.test(lower)) return undefined;
  let total = 0;
  for (const [, number, unit] of lower.matchAll(PART)) {
    const [, seconds] = UNITS.find(([, , spelt]) => spelt.test(unit as string)) ?? [];
    if (seconds === undefined) return undefined;
    total += Number(number) * seconds;
  }
  return total <= MAX_SECONDS ? `${Math.round(total * 1000) / 1000}s` : undefined;
}

/** Returns `1 h 30 min` for `5400s`. */
export function spokenSpan(json: string): string {
  let rest = Number(json.replace(/s$/, ""));
  if (!Number.isFinite(rest)) return json;
  const parts: string[] = [];
  for (const [name, seconds] of UNITS) {
    const count = seconds === 1 ? Math.round(rest * 1000) / 1000 : Math.floor(rest / seconds);
    if (count) parts.push(`${count} ${name}`);
    rest -= count * seconds;
  }
  return parts.join(" ") || "0 s";
}
