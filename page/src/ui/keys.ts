/** Keys that work everywhere but where text is typed. */

export type Bindings = Record<string, () => void>;

/** How long `g` waits for the second key, ms. */
const PATIENCE_MS = 1500;

/** Whether single characters are keys: who speaks to their computer does not want that (WCAG 2.1.4). */
export interface KeySwitch {
  isOn: boolean;
}

/** `bindings` by key; `g x` is two keys. */
export function bindKeys(bindings: Bindings, keys: KeySwitch): void {
  let first = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("keydown", (event) => {
    if (!keys.isOn || event.defaultPrevented || isTyping(event.target)) return;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (document.querySelector("dialog[open]") || event.key === "Shift") return;
    const key = first ? `${first} ${event.key}` : event.key;
    clearTimeout(timer);
    first = "";
    if (Object.hasOwn(bindings, key)) {
      event.preventDefault();
      event.stopPropagation();
      bindings[key]();
    } else if (key === "g") {
      first = "g";
      timer = setTimeout(() => (first = ""), PATIENCE_MS);
    }
  }, { capture: true });
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
}
