/** The chain of the selected wait. It stays while its own hops are selected, so that one can go along it. */

import { branchOff, type Chain, chainOf, type Doing } from "./model/chain";
import type { State } from "./state";

const followers = new WeakMap<State, Follower>();

/** The one of this state; made before its users subscribe, so it knows of a change first. */
export function followerOf(state: State): Follower {
  let follower = followers.get(state);
  if (!follower) followers.set(state, (follower = new Follower(state)));
  return follower;
}

export class Follower {
  chain: Chain | null = null;
  /** Which of its hops is selected; behind the last: what ends it. */
  hop = 0;

  constructor(private readonly state: State) {
    state.subscribe((_, change) => {
      if (change === "selection" || change === "trace") this.#follow();
    });
    this.#follow();
  }

  #follow(): void {
    const { interval } = this.state.selection;
    if (interval === null) return this.#set(null, 0);
    const at = this.steps().indexOf(interval);
    if (at >= 0) this.hop = at;
    else this.#set(chainOf(this.state.run, interval), 0);
  }

  #set(chain: Chain | null, hop: number): void {
    [this.chain, this.hop] = [chain, hop];
  }

  /** The intervals of the hops and of what ends them, if that is one. */
  steps(): number[] {
    if (!this.chain) return [];
    const { hops, final } = this.chain;
    const own = hops.map((hop) => hop.interval);
    return final.interval === null ? own : [...own, final.interval];
  }

  /** Selects a step. */
  go(step: number): void {
    const interval = this.steps()[step];
    if (interval !== undefined) this.state.selectInterval(interval);
  }

  /** Selects something else that a waker did, and goes on behind that. */
  branch(at: number, doing: Doing): void {
    if (!this.chain || doing.interval === null) return;
    this.chain = branchOff(this.state.run, this.chain, at, doing);
    this.state.selectInterval(doing.interval);
  }
}
