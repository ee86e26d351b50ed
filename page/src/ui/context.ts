/** What the parts of the page hand to each other. */

import type { State } from "../state";
import type { Run } from "../types";
import type { Numbers } from "./numbers";

export interface Context {
  run: Run;
  state: State;
  numbers: Numbers;
  /** Scrolls to a section and puts the focus on its heading. */
  goTo(section: string): void;
  /** Opens a group and goes there. */
  openGroup(group: number): void;
  /** Selects an interval, or a thread, and goes to the timeline. */
  showInterval(interval: number): void;
  showThread(thread: number): void;
  /** For screen readers. */
  announce(text: string): void;
}
