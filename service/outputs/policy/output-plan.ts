import type { OutputPolicy, RecordFormat } from './output-policy';

/** Which streams an output has whose policy does not say: all, or none. */
export type OutputStreams = 'all' | 'asked';

/** What the node's settings say for all streams. */
export interface OutputDefaults {
  readonly forward: { readonly urls: readonly string[] };
  /** Without a place nothing is recorded, whatever a policy says. */
  readonly record: {
    readonly place: object | undefined;
    readonly formats: readonly RecordFormat[];
    readonly streams: OutputStreams;
  };
  /** Without a place nothing is packaged, whatever a policy says. */
  readonly hls: { readonly place: object | undefined; readonly streams: OutputStreams };
}

/** What is done with a stream: its policy, completed by the node's settings. */
export interface OutputPlan {
  /** Secrets. */
  readonly forward: readonly string[];
  readonly record: readonly RecordFormat[];
  readonly hls: boolean;
}

/** Completes the policy that came with an accepted start by the node's settings. */
export function outputPlan(policy: OutputPolicy | undefined, { forward, record, hls }: OutputDefaults): OutputPlan {
  const wanted = policy?.record ?? (record.streams === 'all' ? 'default' : []);
  const formats = wanted === 'default' ? record.formats : wanted;
  return {
    forward: policy?.forward ?? forward.urls,
    record: record.place === undefined ? [] : formats,
    hls: hls.place !== undefined && (policy?.hls ?? hls.streams === 'all'),
  };
}

/**
 * What a policy asks for in vain, each with the setting that it needs; empty where nothing is. With a sidecar, whose
 * settings the node does not know, nothing is said of places.
 */
export function unmetWishes(
  { forward = [], record = [], hls = false }: OutputPolicy,
  settings: {
    readonly run: 'child' | 'sidecar' | 'none';
    readonly record: { readonly place: object | undefined };
    readonly hls: { readonly place: object | undefined };
  },
): readonly string[] {
  const recorded = record === 'default' || record.length > 0;
  if (settings.run === 'none') {
    const wishes = [
      ...(forward.length > 0 ? ['forward'] : []),
      ...(recorded ? ['record'] : []),
      ...(hls ? ['hls'] : []),
    ];
    return wishes.map((header) => `${header} needs OUTPUTS=YES`);
  }
  if (settings.run === 'sidecar') return [];
  return [
    ...(recorded && settings.record.place === undefined ? ['record needs RECORD_TO'] : []),
    ...(hls && settings.hls.place === undefined ? ['hls needs HLS_TO'] : []),
  ];
}
