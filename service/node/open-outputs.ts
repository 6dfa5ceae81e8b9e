import { join } from 'node:path';
import { openToken } from '../aws/open-token';
import { isEveryInterface } from '../config/listening-places';
import type { ServiceConfig } from '../config/service-config';
import type { Logger } from '../logging/logger';
import { OutputsHost, type OutputsHostOptions } from '../outputs/host/outputs-host';
import type { OutputsLine } from '../outputs/host/outputs-line';
import type { Media } from './media';
import { NodeOutputs, type NodeOutputsOptions } from './node-outputs';

/** The bundle, which is in the folder of the server's. */
export const OUTPUTS_PROGRAM = join(__dirname, 'rtmp-outputs.cjs');
const LOOPBACK = '127.0.0.1';

/** What the parent process of several workers keeps for all: the line to `rtmp-outputs`. */
export interface ParentOutputs extends OutputsLine {
  outputsKey(): Promise<Uint8Array>;
  /** Resolves when the outputs of all streams are completed, after `withinMs` at the latest. */
  finishOutputs(withinMs: number): Promise<void>;
}

export interface OpenOutputs {
  readonly node: NodeOutputs;
  readonly host: OutputsHost | undefined;
  /** Runs the program, or waits for it. @throws OperatorError when the port is taken */
  start(): Promise<void>;
  /** All streams have ended: completes their outputs. */
  finish(withinMs: number): Promise<void>;
  close(): void;
}

export interface OutputsSurroundings {
  readonly config: ServiceConfig;
  readonly parent: ParentOutputs | undefined;
  readonly media: Pick<Media, 'events' | 'metrics' | 'teller'>;
  /** The port at which this process serves relays, and RTMP. */
  readonly port: () => number;
  /** All ports at which clients reach this machine. */
  readonly ports: () => readonly number[];
  readonly nodeId: () => string;
  /** See NodeOutputsOptions. */
  readonly remember: NodeOutputsOptions['remember'];
  readonly log: Logger;
}

/** This node's line to `rtmp-outputs`; undefined when the settings want none. */
export async function openOutputs(surroundings: OutputsSurroundings): Promise<OpenOutputs | undefined> {
  const { config, parent, media, port, ports, nodeId, remember, log } = surroundings;
  if (config.outputs.run === 'none') return undefined;
  const host = parent === undefined ? openOutputsHost({ config, node: nodeId, ports, log }) : undefined;
  const { bindAddress } = config.rtmp;
  const address = parent !== undefined && config.fleet === undefined ? undefined : bindAddress;
  const place = () => ({
    host: isEveryInterface(address) ? LOOPBACK : address!,
    port: port(),
    proxyHeader: config.proxy !== undefined && parent === undefined,
  });
  const line = parent ?? host!.host;
  const playKey = parent === undefined ? host!.host.playKey : await parent.outputsKey();
  const metrics = media.metrics.ofOutputs();
  media.events.listen((event) => metrics.event(event));
  const node = new NodeOutputs({ line, playKey, place, events: media.events, metrics, remember });
  media.teller.listen(node);
  return {
    node,
    host: host?.host,
    start: async () => host?.host.start(),
    finish: (withinMs) => parent?.finishOutputs(withinMs) ?? host!.host.finish(withinMs),
    close: () => host?.close(),
  };
}

/** The process that runs `rtmp-outputs` or waits for it: a node alone, or the parent of several workers. */
export function openOutputsHost({
  config: { outputs, secretRefreshMs },
  ...surroundings
}: Pick<OutputsHostOptions, 'node' | 'ports' | 'log'> & {
  readonly config: Pick<ServiceConfig, 'outputs' | 'secretRefreshMs'>;
}): { readonly host: OutputsHost; close(): void } {
  const { log } = surroundings;
  const token = openToken({ token: outputs.link.token, name: 'OUTPUTS_TOKEN_ARN', refreshMs: secretRefreshMs, log });
  const host = new OutputsHost({
    ...surroundings,
    config: outputs,
    token: () => token.current(),
    program: OUTPUTS_PROGRAM,
  });
  return {
    host,
    close() {
      host.close();
      token.close();
    },
  };
}
