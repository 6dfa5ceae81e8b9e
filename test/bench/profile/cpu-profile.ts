import { readFileSync } from 'node:fs';

/** A node of the merged call tree: a function in its calling context. */
export interface CallNode {
  readonly name: string;
  /** `file:line`, empty for native code. */
  readonly location: string;
  selfMs: number;
  totalMs: number;
  readonly children: Map<string, CallNode>;
}

/** The part of V8's .cpuprofile format that matters here. */
interface RawProfile {
  readonly nodes: readonly RawNode[];
  /** Microseconds of the system's monotonic clock, as in process.hrtime(). */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface RawNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

const IDLE = '(idle)';

/**
 * Reads a .cpuprofile into a call tree of the functions that ran between two times, in milliseconds of the monotonic
 * clock. Idle time is left out, and with it the kernel's work for reads, which V8 counts as waiting.
 */
export function readCallTree(file: string, fromMs: number, untilMs: number): CallNode {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as RawProfile;
  const selfMs = new Map<number, number>();
  let atUs = profile.startTime;
  profile.samples.forEach((id, index) => {
    const deltaUs = profile.timeDeltas[index] ?? 0;
    atUs += deltaUs;
    if (atUs >= fromMs * 1000 && atUs <= untilMs * 1000) selfMs.set(id, (selfMs.get(id) ?? 0) + deltaUs / 1000);
  });
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const root: CallNode = { name: 'all', location: '', selfMs: 0, totalMs: 0, children: new Map() };
  const visit = (raw: RawNode, into: CallNode): number => {
    into.selfMs += selfMs.get(raw.id) ?? 0;
    let total = selfMs.get(raw.id) ?? 0;
    for (const childId of raw.children ?? []) {
      const child = byId.get(childId);
      if (child === undefined || child.callFrame.functionName === IDLE) continue;
      total += visit(child, childOf(into, child));
    }
    into.totalMs += total;
    return total;
  };
  const rawRoot = profile.nodes[0];
  if (rawRoot !== undefined) visit(rawRoot, root);
  return root;
}

/** Functions by the time spent in themselves, longest first. */
export function heaviestFunctions(root: CallNode, count: number): { name: string; location: string; share: number }[] {
  const selfMs = new Map<string, { name: string; location: string; ms: number }>();
  const visit = (node: CallNode): void => {
    const key = `${node.name} ${node.location}`;
    const entry = selfMs.get(key) ?? { name: node.name, location: node.location, ms: 0 };
    entry.ms += node.selfMs;
    selfMs.set(key, entry);
    node.children.forEach(visit);
  };
  visit(root);
  return [...selfMs.values()]
    .sort((a, b) => b.ms - a.ms)
    .slice(0, count)
    .map(({ name, location, ms }) => ({ name, location, share: ms / root.totalMs }));
}

function childOf(parent: CallNode, { callFrame }: RawNode): CallNode {
  const name = callFrame.functionName || '(anonymous)';
  const file = callFrame.url.slice(callFrame.url.lastIndexOf('/') + 1);
  const location = file === '' ? '' : `${file}:${callFrame.lineNumber + 1}`;
  const key = `${name} ${location}`;
  const known = parent.children.get(key);
  if (known !== undefined) return known;
  const node: CallNode = { name, location, selfMs: 0, totalMs: 0, children: new Map() };
  parent.children.set(key, node);
  return node;
}
