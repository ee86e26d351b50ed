/**
 * Keeps what one works in where it is on the screen while what is above it changes its height: with each window the
 * groups have other rows. Where the page cannot be scrolled so far, room is left below the groups.
 */

const BELOW = ["timeline", "plots", "tables", "text"];

export function keepSteady(root: HTMLElement): void {
  const steady = new Steady();
  for (const type of ["pointerdown", "keydown", "focusin"]) {
    document.addEventListener(type, (event) => steady.worksIn(event.target), { capture: true, passive: true });
  }
  addEventListener("scroll", () => steady.remember(), { passive: true });
  const observer = new ResizeObserver(() => steady.restore());
  const above = [document.querySelector("#head"), ...root.querySelectorAll(":scope > .bar, #claims, #groups")];
  for (const element of above) if (element) observer.observe(element);
}

class Steady {
  /** What one works in; `null`: something above, which may move what is below it. */
  #section: HTMLElement | null = null;
  #top = 0;

  worksIn(target: EventTarget | null): void {
    if (!(target instanceof Element)) return;
    const section = target.closest<HTMLElement>("section[id], details#text, header");
    // In the bar and in dialogs one works on what is seen.
    if (section) this.#section = BELOW.map(byId).find((one) => one?.contains(section)) ?? null;
    else if (target.closest(".bar, dialog")) this.#section = BELOW.map(byId).find(isSeen) ?? null;
    // The browser's own way would keep something else in its place.
    document.documentElement.style.overflowAnchor = this.#section ? "none" : "";
    this.remember();
  }

  remember(): void {
    if (this.#section) this.#top = this.#section.getBoundingClientRect().top;
    const groups = byId("groups");
    // There is room above again.
    if (groups?.style.minHeight && scrollY > groups.offsetHeight - heightWithin(groups)) groups.style.minHeight = "";
  }

  restore(): void {
    if (!this.#section || !isSeen(this.#section)) return;
    const by = this.#section.getBoundingClientRect().top - this.#top;
    if (Math.abs(by) < 0.25) return;
    const missing = -by - scrollY;
    const groups = byId("groups");
    if (missing > 0 && groups) groups.style.minHeight = `${groups.offsetHeight + missing}px`;
    scrollBy({ top: by, behavior: "instant" });
  }
}

function byId(id: string): HTMLElement | null {
  return document.getElementById(id);
}

/** Of its content. */
function heightWithin(element: HTMLElement): number {
  const last = element.lastElementChild;
  return last ? last.getBoundingClientRect().bottom - element.getBoundingClientRect().top : 0;
}

function isSeen(element: HTMLElement | null): boolean {
  if (!element) return false;
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}
