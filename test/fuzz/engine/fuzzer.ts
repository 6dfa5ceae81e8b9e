import { Coverage } from './coverage';
import { Mutator } from './mutator';
import { Random } from './random';
import { type Target, Violation } from './target';

export interface FuzzOptions {
  readonly target: Target;
  /** Valid inputs, and earlier findings. */
  readonly corpus: readonly Buffer[];
  readonly seed: number;
  /** Executions with mutated inputs; default: no limit. */
  readonly runs?: number;
  /** Ends earlier after this time. */
  readonly seconds?: number;
  /** Whether inputs that reach something new are mutated further; default yes. */
  readonly isGuided?: boolean;
  /** Called before each execution. */
  readonly begins?: (input: Buffer) => void;
}

export interface Finding {
  readonly input: Buffer;
  readonly error: unknown;
}

export interface FuzzResult {
  readonly runs: number;
  readonly seconds: number;
  /** CPU time of the process: other programs may have used the machine as well. */
  readonly cpuSeconds: number;
  /** Inputs that were kept because they reached something new. */
  readonly corpus: readonly Buffer[];
  readonly places: number;
  readonly reached: number;
  /** Most steps of an execution. */
  readonly maxSteps: number;
  readonly finding?: Finding;
}

const MAX_LENGTH = 1024;
const STEPS = { base: 20_000, perByte: 300 };
/** Executions between two looks at the clock. */
const CLOCK_RUNS = 256;
/** Executions spent on making a finding's input shorter. */
const SHORTENING_RUNS = 2_000;

/** Runs a target with its corpus, then with mutations of what reached something new, up to the first finding. */
export class Fuzzer {
  readonly #options: FuzzOptions;
  readonly #coverage = new Coverage();
  readonly #corpus: Buffer[] = [];
  #runs = 0;
  #maxSteps = 0;
  #isNew = false;

  constructor(options: FuzzOptions) {
    this.#options = options;
  }

  async run(): Promise<FuzzResult> {
    const startedAt = performance.now();
    const startedCpu = process.cpuUsage();
    // Most executions end with an error, and most of what that costs is its stack.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    const finding = await this.#search(startedAt);
    const { user, system } = process.cpuUsage(startedCpu);
    const seconds = (performance.now() - startedAt) / 1000;
    const shortest = finding && (await this.#shorten(finding));
    Error.stackTraceLimit = stackTraceLimit;
    const again = shortest && (await this.#faultOf(shortest.input));
    const { places, reached } = this.#coverage;
    return {
      runs: this.#runs,
      ...{ seconds, cpuSeconds: (user + system) / 1e6 },
      corpus: this.#corpus,
      ...{ places, reached, maxSteps: this.#maxSteps },
      ...(shortest && { finding: { input: shortest.input, error: again ?? shortest.error } }),
    };
  }

  async #search(startedAt: number): Promise<Finding | undefined> {
    const { target, corpus, seed, runs = Infinity, seconds = Infinity, isGuided = true } = this.#options;
    const random = new Random(seed);
    const mutator = new Mutator(random, this.#coverage.dictionary, target.maxLength ?? MAX_LENGTH);
    for (const input of corpus) {
      const finding = await this.#execute(input);
      if (finding) return finding;
      this.#corpus.push(input);
    }
    if (this.#corpus.length === 0) this.#corpus.push(Buffer.alloc(0));
    for (const last = this.#runs + runs; this.#runs < last;) {
      if (this.#runs % CLOCK_RUNS === 0 && performance.now() - startedAt > 1000 * seconds) break;
      // Of two, the one that was found later: it is nearer to what was not reached yet.
      const [one, two] = [random.below(this.#corpus.length), random.below(this.#corpus.length)];
      const input = mutator.mutate(this.#corpus[Math.max(one, two)]!, this.#corpus[Math.min(one, two)]!);
      const finding = await this.#execute(input, isGuided);
      if (finding) return finding;
    }
    return undefined;
  }

  async #execute(input: Buffer, keeps = false): Promise<Finding | undefined> {
    this.#runs += 1;
    this.#options.begins?.(input);
    const error = await this.#faultOf(input);
    if (error !== undefined) return { input, error };
    if (this.#isNew && keeps) this.#corpus.push(input);
    return undefined;
  }

  /** What the target finds wrong with an input, or how it takes too many steps. */
  async #faultOf(input: Buffer): Promise<unknown> {
    const { target } = this.#options;
    const given = Buffer.from(input);
    this.#coverage.reset();
    try {
      const running = target.run(given);
      if (running !== undefined) await running;
    } catch (error) {
      this.#coverage.collect();
      return error ?? new Violation('threw nothing');
    }
    this.#isNew = this.#coverage.collect();
    const { steps } = this.#coverage;
    if (steps > this.#maxSteps) this.#maxSteps = steps;
    const { base, perByte } = target.steps ?? STEPS;
    const allowed = base + perByte * input.length;
    return steps > allowed ? new Violation(`${steps} steps, allowed ${allowed} for ${input.length} bytes`) : undefined;
  }

  /** Leaves parts of the input out as long as the same kind of error remains. */
  async #shorten({ input, error }: Finding): Promise<Finding> {
    let shortest = input;
    const kind = kindOf(error);
    let left = SHORTENING_RUNS;
    for (let size = Math.floor(input.length / 2); size > 0; size = Math.floor(size / 2)) {
      for (let at = 0; at + size <= shortest.length && left > 0; left -= 1) {
        const shorter = Buffer.concat([shortest.subarray(0, at), shortest.subarray(at + size)]);
        if (kindOf(await this.#faultOf(shorter)) === kind) shortest = shorter;
        else at += size;
      }
    }
    return { input: shortest, error };
  }
}

/** Errors of one kind differ in numbers only. */
function kindOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message.replace(/\d+/g, '#')}` : String(error);
}
