/** Light, dark, or as the system has it; remembered by the browser. */

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "vertebra.theme";
const SYSTEM = matchMedia("(prefers-color-scheme: dark)");
SYSTEM.addEventListener("change", () => applyTheme());

/** What is drawn and not styled hears of it on `window`. */
export const THEME_CHANGED = "themechange";

/** Returns the chosen theme. */
export function theme(): Theme {
  const kept = localStorage.getItem(KEY);
  return THEMES.find((one) => one === kept) ?? "system";
}

/** Shows the page in the theme that is chosen, or in `chosen` from now on. */
export function applyTheme(chosen: Theme = theme()): void {
  localStorage.setItem(KEY, chosen);
  const { dataset } = document.documentElement;
  dataset["theme"] = isDark() ? "dark" : "light";
  window.dispatchEvent(new Event(THEME_CHANGED));
}

/** Whether the page is dark now. */
export function isDark(): boolean {
  return theme() === "dark" || (theme() === "system" && SYSTEM.matches);
}
