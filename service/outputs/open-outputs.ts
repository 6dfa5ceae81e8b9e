import type { OutputsProgramConfig } from '../config/outputs-config';
import type { Fact } from '../events/fact';
import type { OutputStatus } from '../http/api/schemas/output';
import type { Logger } from '../logging/logger';
import { openForward } from './forward/forward';
import { isOwnPlace } from './forward/target-address';
import type { Packager } from './hls/packager';
import type { RecordFormat } from './policy/output-policy';
import { Recorder } from './record/recorder';
import type { Output, StreamIdentity } from './stream/output';

/** Tells the node's event bus. Of recordings: resolves when the node has the fact; false: this program ends first. */
export type Tell = (fact: Fact) => Promise<boolean>;

/** What every output is opened with. */
export interface OutputOptions {
  readonly id: string;
  readonly origin: OutputStatus['origin'];
  readonly identity: StreamIdentity;
  /** Tells the node's event bus. Gaps that `Output.gap` announced are told already. */
  readonly tell: Tell;
  readonly log: Logger;
}

/** How outputs are opened, by kind. */
export interface OutputOpeners {
  /** @throws Error with a reason for operators when the address cannot be used */
  forward(options: OutputOptions, url: string): Output;
  record(options: OutputOptions, format: RecordFormat): Output;
  /** @param isRecorded the stream is recorded too: all of it stays playable when it has ended */
  hls(options: OutputOptions, isRecorded: boolean): Output;
  /** Where clients reach the node. */
  nodeListensOn(ports: readonly number[]): void;
  /** After all outputs have ended: ends what they share, such as clients of S3. */
  close(): Promise<void>;
}

export interface OpenersOptions {
  readonly config: Pick<OutputsProgramConfig, 'outputs' | 'trustedCa'>;
  readonly packager: Packager;
  /** Tells of what is not part of a stream any more: recordings that an earlier program left. */
  readonly tell: Tell;
  readonly log: Logger;
}

/** The real outputs. */
export function openOutputOpeners({ config, packager, tell, log }: OpenersOptions): OutputOpeners {
  const { forward, record } = config.outputs;
  let isOwn = isOwnPlace([]);
  const recorder = record.place === undefined ? undefined : new Recorder({ settings: record, tell, log });
  recorder?.start();
  return {
    forward: (options, url) =>
      openForward({
        ...options,
        ...{ url, settings: forward, authorities: config.trustedCa },
        isOwn: (address, port) => isOwn(address, port),
      }),
    record(options, format) {
      if (recorder === undefined) throw new Error('RECORD_TO is not set');
      return recorder.openRecording({ ...options, format });
    },
    hls: (options, isRecorded) => packager.open({ ...options, isRecorded }),
    nodeListensOn: (ports) => void (isOwn = isOwnPlace(ports)),
    async close() {
      await recorder?.close();
      await packager.close();
    },
  };
}
