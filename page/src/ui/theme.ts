/** Light, dark, or as the system has it. */

const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const root = document.documentElement;

export function theme(): Theme {
  const set = root.dataset["theme"];
  return set === "light" || set === "dark" ? set : "auto";
}

/** The one behind it. */
export function nextTheme(): Theme {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
  if (next === "auto") delete root.dataset["theme"];
  else root.dataset["theme"] = next;
  return next;
}

/** Calls `fn` whenever colours may have changed: what is drawn on a canvas has to be drawn anew. */
export function onTheme(fn: () => void): void {
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
    matchMedia(query).addEventListener("change", fn);
  }
  new MutationObserver(fn).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
}

/** The value of a custom property, for a canvas. */
export function colour(name: string): string {
  return getComputedStyle(root).getPropertyValue(name).trim();
}
