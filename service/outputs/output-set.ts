import { describeError } from '../errors/error-text';
import type { Logger } from '../logging/logger';
import type { FollowTaker } from './follow/followed-stream';
import type { GapFact } from './gap-news';
import type { MediaMessage, Output, StreamEnding, StreamIdentity } from './stream/output';

export interface OutputSetOptions {
  readonly identity: StreamIdentity;
  readonly tell: (fact: GapFact) => void;
  readonly log: Logger;
}

/** The outputs of one stream. An output that breaks a promise of its interface is ended, and the others go on. */
export class OutputSet implements FollowTaker {
  readonly #options: OutputSetOptions;
  #outputs: readonly Output[] = [];
  #isPatient = false;
  /** Outputs that are completing what they have. */
  readonly #ending = new Set<Promise<void>>();

  constructor(options: OutputSetOptions) {
    this.#options = options;
  }

  get isPatient(): boolean {
    return this.#isPatient;
  }

  get all(): readonly Output[] {
    return this.#outputs;
  }

  find(id: string): Output | undefined {
    return this.#outputs.find((output) => output.id === id);
  }

  /** @param headers metadata and sequence headers of the running stream */
  add(output: Output, headers: readonly MediaMessage[]): void {
    this.#set([...this.#outputs, output]);
    for (const header of headers) this.#call(output, () => output.write(header));
  }

  remove(output: Output, ending: StreamEnding): void {
    this.#set(this.#outputs.filter((other) => other !== output));
    this.#end(output, ending);
  }

  write(message: MediaMessage): void {
    for (const output of this.#outputs) {
      try {
        output.write(message);
      } catch (error) {
        this.#broken(output, error);
      }
    }
  }

  flush(): void {
    for (const output of this.#outputs) {
      try {
        output.flush();
      } catch (error) {
        this.#broken(output, error);
      }
    }
  }

  gap(missingMs: number): void {
    const { channel, streamId } = this.#options.identity;
    for (const output of this.#outputs) {
      this.#call(output, () => output.gap(missingMs));
      const { kind } = output.status();
      this.#options.tell({ type: 'output.gap', channel, streamId, output: output.id, kind, missingMs });
    }
  }

  held(): void {
    for (const output of this.#outputs) this.#call(output, () => output.held());
  }

  resumed(): void {
    for (const output of this.#outputs) this.#call(output, () => output.resumed());
  }

  /** Resolves when all outputs, removed ones included, have completed what they have. */
  async end(ending: StreamEnding): Promise<void> {
    for (const output of this.#outputs) this.#end(output, ending);
    this.#outputs = [];
    await Promise.all(this.#ending);
  }

  #set(outputs: readonly Output[]): void {
    this.#outputs = outputs;
    this.#isPatient = outputs.every((output) => output.isPatient === true);
  }

  #end(output: Output, ending: StreamEnding): void {
    const ended = output.end(ending).catch((error: unknown) => this.#complain(output, error));
    this.#ending.add(ended);
    void ended.then(() => this.#ending.delete(ended));
  }

  #call(output: Output, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#broken(output, error);
    }
  }

  #broken(output: Output, error: unknown): void {
    this.#complain(output, error);
    this.remove(output, { code: 'other', reason: 'A fault of the server' });
  }

  #complain(output: Output, error: unknown): void {
    const { channel } = this.#options.identity;
    this.#options.log.error('an output has a fault', { channel, output: output.id, error: describeError(error) });
  }
}
