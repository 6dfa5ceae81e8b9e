import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, messageOf } from '../../errors/error-text';
import type { ReadAnswer } from '../../operators/read-request';
import { CommandFailure, ExitCode } from '../command-line/exit-codes';
import {
  type FeedMessage,
  type FeedQuery,
  type FleetOrder,
  type FleetSource,
  type LiveAnswer,
  orderRequest,
} from './fleet-source';
import { SseReader } from './sse-reader';

const TIMEOUT_MS = 20_000;
const RETRY_MS = 2_000;
/** Longest answer that is read (bytes): some ten thousand streams. */
const MAX_BYTES = 64 * 1024 * 1024;

export interface NodeSourceOptions {
  /** `http://HOST:HTTP_PORT`, or `https://` of a proxy in front of it; may have a path. */
  readonly url: string;
  /** OPERATOR_TOKEN of the server. */
  readonly token: string | undefined;
}

/** The fleet as one of its nodes shows it over HTTP. */
export class NodeSource implements FleetSource {
  readonly name: string;
  readonly readOnly: string | undefined;
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** @throws CommandFailure when the address cannot be used */
  constructor({ url, token }: NodeSourceOptions) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed === undefined || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) {
      throw new CommandFailure(ExitCode.NotUnderstood, '--node takes http://HOST:PORT or https://HOST:PORT');
    }
    this.#base = `${parsed.origin}${parsed.pathname.replace(/\/+$/, '')}/api/v1`;
    this.name = `the node at ${parsed.origin}`;
    this.readOnly = token === undefined ? 'OPERATOR_TOKEN is not set' : undefined;
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  async read(path: string): Promise<ReadAnswer> {
    return this.#answer(await this.#fetch(path, { signal: AbortSignal.timeout(TIMEOUT_MS) }));
  }

  async order(order: FleetOrder): Promise<ReadAnswer> {
    const { path, body } = orderRequest(order);
    const sent = { method: 'POST', body: JSON.stringify(body), signal: AbortSignal.timeout(TIMEOUT_MS) };
    return this.#answer(await this.#fetch(path, sent, { 'content-type': 'application/json' }));
  }

  async *follow(query: FeedQuery, signal: AbortSignal): AsyncIterable<FeedMessage> {
    const parameters = new URLSearchParams({ figures: String(query.figures) });
    if (query.channel !== undefined) parameters.set('channel', query.channel);
    let { lastId } = query;
    let isFirst = true;
    while (!signal.aborted) {
      try {
        const since: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId };
        const accept = { accept: 'text/event-stream', ...since };
        const response = await this.#fetch(`/events?${parameters.toString()}`, { signal }, accept);
        if (!response.ok) throw failureOf(await this.#answer(response), this.name);
        isFirst = false;
        const reader = new SseReader();
        const decoder = new TextDecoder();
        for await (const bytes of bytesOf(response)) {
          for (const message of reader.read(decoder.decode(bytes, { stream: true }))) {
            lastId = message.id ?? lastId;
            yield message;
          }
        }
      } catch (error) {
        // The abort ends the request with an error.
        if (isFirst && !(signal as { readonly aborted: boolean }).aborted) throw error;
      }
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async watch(path: string, signal: AbortSignal): Promise<LiveAnswer> {
    const response = await this.#fetch(path, { signal }, { accept: '*/*' });
    const contentType = response.headers.get('content-type') ?? '';
    return { status: response.status, contentType, body: bytesOf(response) };
  }

  close(): void {}

  async #fetch(path: string, init: RequestInit, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    const accept = { accept: path.endsWith('/keyframe') ? '*/*' : 'application/json' };
    try {
      return await fetch(`${this.#base}${path}`, {
        ...init,
        redirect: 'error',
        headers: { ...accept, ...this.#headers, ...headers },
      });
    } catch (error) {
      const cause = (error as { readonly cause?: unknown }).cause ?? error;
      const reason = codeOf(cause) ?? messageOf(cause);
      const hint =
        reason === 'ECONNREFUSED' ? ' Does the server run, with HTTP_PORT? Another address goes to --node.' : '';
      throw new CommandFailure(ExitCode.Unreachable, `${this.name} cannot be reached: ${reason}.${hint}`);
    }
  }

  async #answer(response: Response): Promise<ReadAnswer> {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const part of bytesOf(response)) {
      bytes += part.length;
      if (bytes > MAX_BYTES) throw new CommandFailure(ExitCode.Failed, `the answer of ${this.name} is too long`);
      parts.push(part);
    }
    const contentType = response.headers.get('content-type') ?? '';
    return { status: response.status, contentType, body: Buffer.concat(parts) };
  }
}

/** The body in pieces; an answer without one has none. */
function bytesOf({ body }: Response): AsyncIterable<Uint8Array> {
  return (body ?? []) as AsyncIterable<Uint8Array>;
}

function failureOf({ status }: ReadAnswer, name: string): CommandFailure {
  const code = status === 401 || status === 403 ? ExitCode.NotAllowed : ExitCode.Failed;
  return new CommandFailure(code, `${name} does not send events: status ${status}`);
}
