import type { z } from 'zod';
import { EventPage } from '../../http/api/schemas/event-page';
import { Explanation } from '../../http/api/schemas/explain';
import { NodeList } from '../../http/api/schemas/node';
import { OrderResult } from '../../http/api/schemas/order';
import { Problem, type ProblemCode } from '../../http/api/schemas/problem';
import { StreamDetail, StreamPage } from '../../http/api/schemas/stream';
import type { ReadAnswer } from '../../operators/read-request';
import { CommandFailure, ExitCode } from '../command-line/exit-codes';
import type { FleetOrder, FleetSource } from './fleet-source';

const NOT_ALLOWED: ReadonlySet<ProblemCode> = new Set([
  'tokenNeeded',
  'tokenWrong',
  'tokenNotSet',
  'tooManyAttempts',
  'crossOrigin',
  'hostNotAllowed',
]);
const NO_SUCH: ReadonlySet<ProblemCode> = new Set(['noStream', 'noNode', 'noKeyframe']);

/** Instead of the server's sentence, which is for programs that make requests. */
const NO_TOKEN = "the server asks for its token: set OPERATOR_TOKEN here or in .env to the server's";

/** The operators' API, typed by the schemas that the server answers by. Every method throws CommandFailure. */
export class FleetClient {
  readonly #source: FleetSource;

  constructor(source: FleetSource) {
    this.#source = source;
  }

  streams(query: Readonly<Record<string, string>>): Promise<StreamPage> {
    return this.#read(`/streams?${new URLSearchParams(query).toString()}`, StreamPage);
  }

  stream(channel: string): Promise<StreamDetail> {
    return this.#read(`/streams/${encodeURIComponent(channel)}`, StreamDetail);
  }

  explain(channel: string): Promise<Explanation> {
    return this.#read(`/streams/${encodeURIComponent(channel)}/explain`, Explanation);
  }

  nodes(): Promise<NodeList> {
    return this.#read('/nodes', NodeList);
  }

  /** The events that nodes still have, the oldest first. */
  events(channel: string | undefined): Promise<EventPage> {
    return this.#read(channel === undefined ? '/events' : `/events?channel=${encodeURIComponent(channel)}`, EventPage);
  }

  async order(order: FleetOrder): Promise<OrderResult> {
    return this.#parse(await this.#source.order(order), OrderResult);
  }

  async #read<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return this.#parse(await this.#source.read(path), schema);
  }

  #parse<T>({ status, contentType, body }: ReadAnswer, schema: z.ZodType<T>): T {
    const { name } = this.#source;
    let value: unknown;
    try {
      value = contentType.includes('json') ? JSON.parse(body.toString('utf8')) : undefined;
    } catch {
      value = undefined;
    }
    if (status === 200) {
      const parsed = schema.safeParse(value);
      if (parsed.success) return parsed.data;
      const says = `the answer of ${name} is not what this version of the program expects`;
      throw new CommandFailure(ExitCode.Failed, says);
    }
    const problem = Problem.safeParse(value);
    if (problem.success) throw failureOf(problem.data);
    const hint = status === 404 ? ': is it a server of this version, and its HTTP_PORT?' : '';
    throw new CommandFailure(ExitCode.Failed, `${name} answers with status ${status}${hint}`);
  }
}

function failureOf({ code, detail }: Problem): CommandFailure {
  if (code === 'tokenNeeded') return new CommandFailure(ExitCode.NotAllowed, NO_TOKEN);
  if (NOT_ALLOWED.has(code)) return new CommandFailure(ExitCode.NotAllowed, detail);
  if (NO_SUCH.has(code)) return new CommandFailure(ExitCode.NoEffect, detail);
  return new CommandFailure(code === 'nodeUnreachable' ? ExitCode.Unreachable : ExitCode.Failed, detail);
}
