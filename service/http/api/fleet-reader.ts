import type { Logger } from '../../logging/logger';
import { FaultRateLimit } from '../../logging/rate-limit';
import type { NodeAddress } from '../../leases/life-store';
import type { Reader } from '../../operators/read-channel';
import { packAnswer, type PackedAnswer, type ReadAnswer } from '../../operators/read-request';
import { Api } from './api';
import { pathPattern, readParameters, readValue } from './call-arguments';
import { EventFeed } from './event-feed';
import { FleetView } from './fleet-view';
import type { Machine } from './machine';
import { ApiProblem } from './problems';
import { EventQuery } from './schemas/figures';
import { type Operation, type OperationName, OPERATIONS } from './schemas/operations';
import { StreamQuery } from './schemas/stream-query';

type Reading = (api: Api, channel: string, query: Readonly<Record<string, string>>) => Promise<object | Buffer>;

/** What can be read without HTTP; orders and logins cannot be given this way. */
const READINGS: Readonly<Partial<Record<OperationName, Reading>>> = {
  listStreams: (api, _channel, query) => api.streams(readValue(StreamQuery, query, 'the query string')),
  getStream: (api, channel) => api.stream(channel),
  getKeyframe: (api, channel) => api.keyframe(channel),
  explainChannel: (api, channel) => api.explain(channel),
  listNodes: (api) => api.nodes(),
  listRefusals: (api) => api.refusals(),
  followEvents: (api, _channel, query) => api.events(readValue(EventQuery, query, 'the query string').channel),
};

/** Answers requests of the API that come through the command channel, for the whole fleet. */
export class FleetReader implements Reader {
  readonly #fleet: FleetView;
  readonly #api: Api;
  readonly #faults: FaultRateLimit;

  constructor(machine: Machine, log: Logger) {
    this.#fleet = new FleetView(machine);
    this.#api = new Api(this.#fleet, new EventFeed(this.#fleet));
    this.#faults = new FaultRateLimit(log);
  }

  async id(): Promise<string> {
    return (await this.#fleet.directory()).self;
  }

  /** Machines take turns by the ids of their nodes. */
  async isAsked(rank: number): Promise<boolean> {
    const { self, nodes } = await this.#fleet.directory();
    const own = nodes.find(({ id }) => id === self);
    if (own === undefined) return rank === 0;
    const first = new Map<string, string>();
    for (const node of [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      if (!first.has(machineOf(node))) first.set(machineOf(node), node.id);
    }
    return [...first.keys()].indexOf(machineOf(own)) === rank % first.size;
  }

  async read(path: string): Promise<PackedAnswer> {
    const tooLong = problemAnswer(
      new ApiProblem('tooLarge', 'The answer is too long for the command channel: ask for less.'),
    );
    return packAnswer(await this.#answer(path), tooLong);
  }

  close(): void {
    this.#faults.close();
  }

  async #answer(path: string): Promise<ReadAnswer> {
    try {
      const { pathname, searchParams } = new URL(path, 'http://fleet');
      for (const [name, reading] of Object.entries(READINGS)) {
        const operation: Operation = OPERATIONS[name as OperationName];
        const found = pathPattern('', operation).exec(pathname);
        if (found === null) continue;
        const { channel } = readParameters(found.groups ?? {});
        const result = await reading(this.#api, channel, Object.fromEntries(searchParams));
        if (Buffer.isBuffer(result)) return { status: 200, contentType: operation.media ?? '', body: result };
        return jsonAnswer(200, 'application/json; charset=utf-8', result);
      }
      throw new ApiProblem('notFound', 'There is no such page to be read through the command channel.');
    } catch (error) {
      if (error instanceof ApiProblem) return problemAnswer(error);
      this.#faults.report('error', 'read', 'A request on the command channel failed', { path, error: String(error) });
      return problemAnswer(new ApiProblem('internal', 'The server failed to answer; its log says why.'));
    }
  }
}

/** The same for all nodes behind one HTTP port, which are the workers of a machine. */
function machineOf({ id, host, httpPort }: NodeAddress): string {
  return httpPort === undefined ? id : `${host} ${httpPort}`;
}

function problemAnswer({ problem }: ApiProblem): ReadAnswer {
  return jsonAnswer(problem.status, 'application/problem+json; charset=utf-8', problem);
}

function jsonAnswer(status: number, contentType: string, value: object): ReadAnswer {
  return { status, contentType, body: Buffer.from(JSON.stringify(value)) };
}
