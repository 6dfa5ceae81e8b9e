import type { TestNode } from '../../../support/servers/test-node';

export interface SentEvent {
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A client of the event stream, as a browser's EventSource reads it. */
export class EventReader {
  readonly #abort = new AbortController();
  readonly #messages: AsyncGenerator<SentEvent, undefined>;
  readonly response: Response;

  private constructor(response: Response) {
    this.response = response;
    this.#messages = messagesOf(response);
  }

  static async open(node: Pick<TestNode, 'ports'>, query = '', lastId?: string): Promise<EventReader> {
    const reader: { of?: EventReader } = {};
    const headers = { accept: 'text/event-stream', ...(lastId !== undefined && { 'last-event-id': lastId }) };
    const abort = new AbortController();
    const response = await fetch(`http://127.0.0.1:${node.ports.http}/api/v1/events${query}`, {
      headers,
      signal: abort.signal,
    });
    reader.of = new EventReader(response);
    reader.of.#abort.signal.addEventListener('abort', () => abort.abort());
    return reader.of;
  }

  /** The next message of one of these names. */
  async next(...names: string[]): Promise<SentEvent> {
    for (;;) {
      const next = await this.#messages.next();
      if (next.done === true) throw new Error('the event stream has ended');
      if (names.length === 0 || names.includes(next.value.name ?? '')) return next.value;
    }
  }

  close(): void {
    this.#abort.abort();
  }
}

async function* messagesOf({ body }: Response): AsyncGenerator<SentEvent, undefined> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const part of body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(part, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = new Map(text.slice(0, end).split('\n').map(split));
      text = text.slice(end + 2);
      const data = fields.get('data');
      if (data === undefined) continue;
      yield { id: fields.get('id'), name: fields.get('event'), data: JSON.parse(data) as SentEvent['data'] };
    }
  }
}

function split(line: string): [string, string] {
  const at = line.indexOf(': ');
  return [line.slice(0, at), line.slice(at + 2)];
}
