/** Numbers, sizes and times as people read them. */

import { type Duration, durationMs, type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";

const MINUS = "\u2212";
/** A value that is not there. */
export const NONE = "\u2013";

/** Returns `11.2 M`; whole numbers below 10,000 as they are. */
export function count(value: number | bigint): string {
  const number = Number(value);
  if (Math.abs(number) < 10_000) return number.toLocaleString("en");
  for (const [unit, size] of [
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ] as const) {
    if (Math.abs(number) >= size) return `${(number / size).toFixed(1)} ${unit}`;
  }
  return String(number);
}

/** Returns a number with all of its digits: `11,181,642`. */
export function exact(value: number | bigint): string {
  return value.toLocaleString("en");
}

/** Returns `44.8 MB`. */
export function bytes(value: number | bigint): string {
  const number = Number(value);
  for (const [unit, size] of [
    ["TB", 1e12],
    ["GB", 1e9],
    ["MB", 1e6],
    ["kB", 1e3],
  ] as const) {
    if (number >= size) return `${(number / size).toFixed(1)} ${unit}`;
  }
  return `${number} B`;
}

/** Returns a metric: `0.9359`, `2.4252`, `312.5`, `0.001`, `1.2e-5`, `3e8`. */
export function metric(value: number): string {
  if (Number.isNaN(value)) return NONE;
  if (!Number.isFinite(value)) return value > 0 ? "\u221e" : `${MINUS}\u221e`;
  const size = Math.abs(value);
  if (size >= 1e6) return signed(Number(value.toPrecision(3)).toExponential());
  if (size !== 0 && size < 0.01) return signed(String(Number(value.toPrecision(3))));
  return signed(size < 10 ? value.toFixed(4) : String(Number(value.toPrecision(5))));
}

function signed(text: string): string {
  return text.replace("-", MINUS).replace("e-", `e${MINUS}`).replace("e+", "e");
}

/** Returns `1:53`, `2:04:09`, `3 d 4 h`. */
export function seconds(value: number): string {
  const whole = Math.max(0, Math.round(value));
  const [days, hours] = [Math.floor(whole / 86_400), Math.floor(whole / 3600)];
  if (days) return `${days} d ${hours % 24} h`;
  const minutes = String(Math.floor(whole / 60) % 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${minutes.padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** Returns a duration of the contract as `seconds` writes it. */
export function duration(value: Duration | undefined): string {
  return value ? seconds(durationMs(value) / 1000) : NONE;
}

/** Returns `14:03` of today, else `22 Nov 14:03`, of other years with the year. */
export function time(value: Timestamp | undefined): string {
  if (!value) return NONE;
  const [date, now] = [timestampDate(value), new Date()];
  const clock = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (date.toDateString() === now.toDateString()) return clock;
  const year = date.getFullYear() === now.getFullYear() ? {} : ({ year: "numeric" } as const);
  return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short", ...year })} ${clock}`;
}

/** Returns the same with seconds, for a tooltip and for logs. */
export function fullTime(value: Timestamp | undefined): string {
  return value ? timestampDate(value).toLocaleString("en-GB") : NONE;
}

/** Returns `14:03:07`. */
export function clock(value: Timestamp | undefined): string {
  return value ? timestampDate(value).toLocaleTimeString("en-GB") : NONE;
}

/** Returns seconds from one time to another, or to now. */
export function between(from: Timestamp | undefined, to: Timestamp | undefined): number {
  if (!from) return 0;
  return ((to ? timestampDate(to).getTime() : Date.now()) - timestampDate(from).getTime()) / 1000;
}

/** Returns `1 job`, `3 jobs`. */
export function plural(number: number, noun: string): string {
  return `${exact(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** Returns `last blocks` for `LAST_BLOCKS` or `lastBlocks`. */
export function spoken(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .replaceAll("_", " ")
    .toLowerCase();
}

/** Returns the first digits of a digest or an id. */
export function short(digest: string): string {
  return digest.replace(/^sha256:/, "").slice(0, 12);
}

/** Returns a share as `37 %`. */
export function percent(share: number): string {
  const value = share * 100;
  const digits = value > 0 && value < 1 ? 2 : 0;
  return `${value.toFixed(digits)} %`;
}
