/** Events that a node counts for its line of metrics, by the metric's name. */
export const countedFigures = [
  'CallbackDenied',
  'HandshakeFailures',
  'LeaseConflicts',
  'ProtectionFailures',
  'ProxyHeaderErrors',
] as const;

export type CountedFigure = (typeof countedFigures)[number];

/** Of the outputs of streams that are published on a node. */
export interface OutputFigures {
  /** How often an output left out part of its stream. */
  readonly gaps: number;
  readonly recordingsFailed: number;
  /** Forwards whose target does not take the stream now. */
  readonly forwardsFailing: number;
  /** Recordings that wait on the local disk now. */
  readonly recordingsSpooling: number;
  /** 1 while the program of outputs is not running. */
  readonly down: number;
}

const outputFigures = [
  'gaps',
  'recordingsFailed',
  'forwardsFailing',
  'recordingsSpooling',
  'down',
] as const satisfies readonly (keyof OutputFigures)[];

/**
 * The figures of one process since they were last read. Plain data: those of a node's several processes are merged into
 * the node's.
 */
export interface NodeFigures {
  /** Live publishers now. */
  readonly publishers: number;
  /** Bytes received from clients. What a relay fetched is counted by the node where its publisher is. */
  readonly ingestBytes: number;
  readonly counts: Readonly<Record<CountedFigure, number>>;
  /** How long callbacks took: all of them, or a fair sample. */
  readonly callbackMs: readonly number[];
  /** The callback handler is not asked, because it failed too often in a row. */
  readonly callbackDown: boolean;
  /** How late the event loop ran, 99th percentile. */
  readonly eventLoopLagMs: number;
  /** How long commands have not been received, 0 while they are; absent where Redis is not used. */
  readonly redisDisconnectedSeconds?: number;
  /** Stop events that wait for delivery now. */
  readonly stopBacklog: number;
  /** New publishers are no longer welcome. */
  readonly draining: boolean;
  /** Absent where streams have no outputs. */
  readonly outputs?: OutputFigures;
}

/** Merges the figures of a node's processes into the node's. */
export function mergeFigures(parts: readonly NodeFigures[]): NodeFigures {
  const sum = (read: (part: NodeFigures) => number): number => parts.reduce((total, part) => total + read(part), 0);
  const most = (read: (part: NodeFigures) => number): number => Math.max(0, ...parts.map(read));
  const counts = countedFigures.map((name) => [name, sum((part) => part.counts[name])] as const);
  return {
    publishers: sum((part) => part.publishers),
    ingestBytes: sum((part) => part.ingestBytes),
    counts: Object.fromEntries(counts) as Record<CountedFigure, number>,
    callbackMs: parts.flatMap((part) => part.callbackMs),
    callbackDown: parts.some((part) => part.callbackDown),
    eventLoopLagMs: most((part) => part.eventLoopLagMs),
    ...(parts.some((part) => part.redisDisconnectedSeconds !== undefined) && {
      redisDisconnectedSeconds: most((part) => part.redisDisconnectedSeconds ?? 0),
    }),
    stopBacklog: sum((part) => part.stopBacklog),
    draining: parts.some((part) => part.draining),
    ...(parts.some(({ outputs }) => outputs !== undefined) && { outputs: mergeOutputs(parts) }),
  };
}

function mergeOutputs(parts: readonly NodeFigures[]): OutputFigures {
  const sum = (name: keyof OutputFigures): number =>
    parts.reduce((total, { outputs }) => total + (outputs?.[name] ?? 0), 0);
  const sums = Object.fromEntries(outputFigures.map((name) => [name, sum(name)]));
  // The workers of a machine have one program, of which each may be told.
  return { ...sums, down: Math.min(1, sum('down')) } as OutputFigures;
}
