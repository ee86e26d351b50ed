/** The tree that an icicle shows: from the trace, or in two levels from the report's blame. */

import { word } from "../format";
import { type BlameNode, blameTreeAsync } from "../model/blame_tree";
import { threadsOfGroup } from "../model/window";
import type { Report } from "../types";
import type { Context } from "./context";
import { causeProperty, property } from "./kinds";
import { groupName, name } from "./names";
import type { FullSums } from "./rows";

/** A node: what was waited for or, at the bottom, the cause. Children add up to it or less. */
export interface IcicleNode {
  label: string;
  /** The custom property of its colour. */
  colour: string;
  ns: number;
  /** An interval that is one of these. */
  example: number | null;
  children: IcicleNode[];
}

/** What was behind the waits of a group in the window that is shown. */
export async function blameTree(
  context: Context,
  group: number,
  signal: AbortSignal,
  progress: (share: number) => void,
): Promise<IcicleNode> {
  const { run, numbers } = context;
  const sums = numbers.group(group);
  if (!run.trace) return twoLevels(sums);
  const [threads, span] = [threadsOfGroup(run, group), numbers.span];
  const kinds = [...new Set(sums.waits.filter((wait) => wait.total_ns > 0).map((wait) => wait.kind))];
  const children: IcicleNode[] = [];
  for (const kind of kinds) {
    children.push(nodeOf(run.report, await blameTreeAsync(run, threads, span, kind, signal), true));
    progress(children.length / kinds.length);
  }
  return rootOf(children.filter((child) => child.ns > 0));
}

function rootOf(children: IcicleNode[]): IcicleNode {
  const ns = children.reduce((sum, node) => sum + node.ns, 0);
  return { label: "", colour: "--unknown", ns, example: null, children };
}

function nodeOf(report: Report, node: BlameNode, isTop = false): IcicleNode {
  const { group, wait, cause, detail, ns, example } = node;
  const who = group === null ? "" : groupName(report, group);
  const says = wait ?? causeLabel(cause ?? "unknown", detail);
  return {
    // What computes, or is asked, is in the cause already.
    label: isTop || !who || (wait === null && detail !== null) ? says : `${who}: ${says}`,
    colour: wait === null ? causeProperty(cause ?? "unknown") : property(wait),
    ns,
    example,
    children: node.children.map((child) => nodeOf(report, child)),
  };
}

/** Kind → cause, as the report has it. */
export function twoLevels(sums: FullSums): IcicleNode {
  const kinds = new Map<string, IcicleNode>();
  for (const { kind, cause, detail, ns } of sums.blame) {
    let node = kinds.get(kind);
    if (!node) kinds.set(kind, (node = { label: kind, colour: property(kind), ns: 0, example: null, children: [] }));
    node.ns += ns;
    const label = causeLabel(cause, detail);
    node.children.push({ label, colour: causeProperty(cause), ns, example: null, children: [] });
  }
  return rootOf([...kinds.values()]);
}

/** `computing git index-pack`, `run queue`. */
export function causeLabel(cause: string, detail: string | null): string {
  if (detail === null) return word(cause);
  // What is known of it is all that there is to say: a deadlock.
  return cause === "unknown" ? name(detail) : `${word(cause)} ${name(detail)}`;
}
