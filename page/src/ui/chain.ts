/** The chain of the selected wait as a list: hop by hop, who ended it and what that one did, to what ends it. */

import { h, replace } from "../dom";
import { exact, percent, time } from "../format";
import { type Follower, followerOf } from "../follow";
import type { Chain, Doing, Final, Hop } from "../model/chain";
import type { State } from "../state";
import { causeText, describe, threadLabel, wakerText } from "../timeline/describe";
import type { Run } from "../types";
import { causeProperty, paint } from "./kinds";
import { groupName, name } from "./names";
import { behindRunQueue } from "./rows";

/** Parts of what a waker did that have a button each. */
const MOST_DOINGS = 5;

/** Puts the chain of what is selected into an element, and keeps it so. */
export function mountChain(run: Run, state: State, element: HTMLElement): void {
  const panel = new Panel(run, state, element);
  panel.show();
  state.subscribe((_, change) => {
    if (change === "selection" || change === "trace") panel.show();
  });
}

const SELECT =
  "Select a wait in the timeline, and its chain unfolds here: who ended it, what that one had been doing meanwhile, " +
  "and so on to the cause.";

class Panel {
  readonly #follower: Follower;
  #shown: Chain | null = null;
  /** By step. */
  #buttons: HTMLButtonElement[] = [];

  constructor(
    private readonly run: Run,
    private readonly state: State,
    private readonly element: HTMLElement,
  ) {
    element.classList.add("chain");
    this.#follower = followerOf(state);
  }

  show(): void {
    const { chain } = this.#follower;
    if (!this.run.trace || this.run.trace.from.length === 0) return replace(this.element);
    if (!chain) this.#showNone();
    else if (chain !== this.#shown) this.#showChain(chain);
    this.#shown = chain;
    this.#mark();
  }

  /** Which step is selected. A list that is as it was stays, and so does the focus in it. */
  #mark(): void {
    this.#buttons.forEach((button, step) => {
      if (step === this.#follower.hop) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    });
  }

  #showNone(): void {
    this.#buttons = [];
    const { thread, interval } = this.state.selection;
    const trace = this.run.trace;
    if (trace && thread !== null && interval !== null) {
      const { title, lines } = describe(this.run, trace, interval, thread);
      const items = lines.flatMap(([key, value]) => [h("dt", {}, key), h("dd", {}, value)]);
      const isQueue = trace.whats[trace.what[interval]].state === "runqueue";
      const behind = isQueue && h("p", {}, runQueueText(this.run, this.run.report.threads[thread].group));
      return replace(this.element, h("h3", {}, title), h("dl", { class: "chain-facts" }, ...items), behind);
    }
    const who = thread === null ? "" : `${threadLabel(this.run, thread)} is selected. `;
    replace(this.element, h("h3", {}, "Chain of a wait"), h("p", { class: "muted" }, who + SELECT));
  }

  #showChain(chain: Chain): void {
    const first = chain.hops[0];
    this.#buttons = [];
    const items = chain.hops.map((hop, at) => this.#hop(hop, at));
    const length = first.span.to - first.span.from;
    const head = h("h3", {}, `${threadLabel(this.run, first.thread)} waited ${time(length)}: ${first.kind}`);
    const sum = h("p", {}, `Behind it, followed along the largest part: ${finalText(this.run, chain.final)}.`);
    replace(this.element, head, sum, h("ol", { class: "chain-hops" }, ...items, this.#final(chain)));
  }

  #hop(hop: Hop, at: number): HTMLElement {
    const length = hop.span.to - hop.span.from;
    const on = hop.object === null ? "" : ` on ${name(hop.object)}`;
    const where = hop.where === null ? "" : ` in ${name(hop.where)}`;
    const before = at > 0 ? this.#follower.chain?.hops[at - 1].followed?.count ?? 1 : 1;
    const longest = before > 1 ? `, the longest of ${before}` : "";
    const text = `${threadLabel(this.run, hop.thread)} waited ${time(length)}${longest}: ${hop.kind}${where}${on}`;
    const item = h("li", {}, this.#step(at, text, exact(length), hop.kind), this.#endedBy(hop));
    if (hop.by !== null) item.append(this.#meanwhile(hop, at));
    return item;
  }

  #step(step: number, text: string, title: string, colour: string): HTMLElement {
    const swatch = paint(h("span", { class: "swatch" }), colour);
    const onclick = (): void => this.#follower.go(step);
    const button = h("button", { type: "button", class: "chain-step", title, onclick }, swatch, text);
    this.#buttons.push(button);
    return button;
  }

  #endedBy(hop: Hop): HTMLElement {
    const before = hop.unborn ? "This was before the one that is waited for had been made, in its creator. " : "";
    return h("p", {}, before, "Ended by ", h("b", {}, wakerText(this.run, hop.wake, hop.by ?? -1)), ".");
  }

  /** What the waker did, as a bar and as buttons. */
  #meanwhile(hop: Hop, at: number): HTMLElement {
    const length = Math.max(1, hop.span.to - hop.span.from);
    const slices = hop.meanwhile.map((doing) => slice(doing, length));
    const bar = h("div", { class: "chain-bar", "aria-hidden": "true" }, ...slices);
    const shown = hop.meanwhile.slice(0, MOST_DOINGS);
    const rest = hop.meanwhile.slice(MOST_DOINGS).reduce((sum, doing) => sum + doing.ns, 0);
    const items = shown.map((doing) => h("li", {}, this.#doing(hop, at, doing, length)));
    if (rest > 0) items.push(h("li", { class: "muted" }, `other ${time(rest)}`));
    const says = h("span", { class: "muted" }, "Meanwhile it was ");
    return h("div", { class: "chain-meanwhile" }, says, bar, h("ul", {}, ...items));
  }

  #doing(hop: Hop, at: number, doing: Doing, length: number): HTMLElement {
    const text = `${doingText(this.run, hop, doing)} ${time(doing.ns)}, ${percent(doing.ns, length)}`;
    const swatch = paint(h("span", { class: "swatch" }), doing.kind ?? doing.what);
    if (doing.interval === null) return h("span", {}, swatch, text);
    const isFollowed = doing === hop.followed;
    const onclick = () => (isFollowed ? this.#follower.go(at + 1) : this.#follower.branch(at, doing));
    const label = isFollowed ? `${text}, followed here` : `${text}, follow this instead`;
    const kind = isFollowed ? "chain-doing followed" : "chain-doing";
    const attrs = { type: "button", class: kind, "aria-label": label, onclick };
    return h("button", attrs, swatch, text);
  }

  #final({ hops, final }: Chain): HTMLElement {
    const text = finalText(this.run, final);
    if (final.interval === null) {
      const swatch = paint(h("span", { class: "swatch" }), final.cause, causeProperty(final.cause));
      return h("li", { class: "chain-final" }, swatch, h("b", {}, text));
    }
    const length = final.span.to - final.span.from;
    const button = this.#step(hops.length, `${text}, ${time(length)} at most at once`, exact(length), final.cause);
    return h("li", { class: "chain-final" }, button);
  }
}

/** Who had the CPU is known in sums only. */
function runQueueText({ report }: Run, group: number): string {
  const head = "Who had the CPU meanwhile is not in the page.";
  const parts = behindRunQueue(report.groups[group]).slice(0, 3);
  if (parts.length === 0) return head;
  const said = parts.map((part) => `${part.text} ${time(part.ns)}, ${percent(part.ns, report.groups[group].runqueue_ns)}`);
  return `${head} Of the whole run the group ${groupName(report, group)} stood on run queues: ${said.join("; ")}.`;
}

function slice(doing: Doing, length: number): HTMLElement {
  const part = paint(h("span", { class: doing.what === "unknown" ? "unknown" : "" }), doing.kind ?? doing.what);
  part.style.width = `${(doing.ns / length) * 100}%`;
  return part;
}

function doingText(run: Run, hop: Hop, doing: Doing): string {
  const wait = `waiting: ${doing.kind}`;
  const words = { "on-cpu": "on a CPU", runqueue: "on the run queue", unknown: "unknown", wait };
  const word = words[doing.what];
  const times = doing.what === "wait" && doing.count > 1 ? ` (${doing.count} waits)` : "";
  if (doing.thread === hop.by) return word + times;
  return `not there yet; ${threadLabel(run, doing.thread)}, which made it, was ${word}${times}`;
}

function finalText(run: Run, final: Final): string {
  const { cause, detail, thread } = final;
  if (thread === null || cause === "computing") return causeText(cause, detail);
  if (cause === "run-queue") return `${threadLabel(run, thread)} stood on the run queue`;
  return `${causeText(cause, detail)} (${threadLabel(run, thread)})`;
}
