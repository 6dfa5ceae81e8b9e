import type { FeedMessage } from './fleet-source';

/** A line longer than this (characters) is no event of ours. */
const MAX_LINE = 16 * 1024 * 1024;

/** Reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) from pieces of text. */
export class SseReader {
  #rest = '';
  #name = '';
  #id: string | undefined;
  #data: string[] = [];

  /** The messages that are complete now. */
  read(text: string): FeedMessage[] {
    const messages: FeedMessage[] = [];
    const lines = (this.#rest + text).split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? '').slice(0, MAX_LINE);
    for (const line of lines) {
      if (line !== '') this.#field(line);
      else if (this.#data.length > 0) messages.push(this.#take());
      else this.#name = '';
    }
    return messages;
  }

  #field(line: string): void {
    const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (name === 'event') this.#name = value;
    else if (name === 'data') this.#data.push(value);
    else if (name === 'id') this.#id = value;
  }

  #take(): FeedMessage {
    const message = { name: this.#name === '' ? 'message' : this.#name, id: this.#id, data: this.#data.join('\n') };
    this.#name = '';
    this.#data = [];
    this.#id = undefined;
    return message;
  }
}
