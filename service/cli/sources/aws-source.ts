import type { LambdaClient } from '@aws-sdk/client-lambda';
import { describeError } from '../../errors/error-text';
import { parsePackedAnswer, type ReadAnswer, unpackAnswer } from '../../operators/read-request';
import { CommandFailure, ExitCode } from '../command-line/exit-codes';
import {
  type CommandOrder,
  commandOrder,
  type FeedMessage,
  type FeedQuery,
  type FleetOrder,
  type FleetSource,
} from './fleet-source';
import { orderAnswer } from './order-result';
import { pollFeed } from './polled-feed';

/** How often events and figures are asked for: each time, a function is invoked and AWS bills it. */
const POLL_MS = 5_000;
const OUTPUT = 'OperatorFunction';
/** `RtmpProd` stands for all stacks of an environment; this one has the function. */
const STACK_ENDING = '-Callback';
/** The function itself gives up after 30 s. */
const TIMEOUT_MS = 35_000;

const TOO_OLD = 'The operator function cannot read: deploy the stacks again, so that it is of this version';

/** Errors of AWS that permissions or credentials cause. */
const NOT_ALLOWED =
  /AccessDenied|UnrecognizedClient|InvalidClientTokenId|ExpiredToken|CredentialsProviderError|SignatureDoesNotMatch/;

/** The fleet through the operator function of a deployment on AWS, with the caller's credentials. */
export class AwsSource implements FleetSource {
  readonly name: string;
  readonly readOnly = undefined;
  readonly #stack: string;
  #function: Promise<{ readonly client: LambdaClient; readonly name: string }> | undefined;

  /** @param stack `RtmpProd`, or the full name of the stack with the operator function */
  constructor(stack: string) {
    this.#stack = stack;
    this.name = `the deployment ${stack}`;
  }

  async read(path: string): Promise<ReadAnswer> {
    const packed = parsePackedAnswer(await this.#invoke({ command: 'read', path }));
    if (packed === undefined) throw new CommandFailure(ExitCode.Failed, TOO_OLD);
    return unpackAnswer(packed);
  }

  async order(order: FleetOrder): Promise<ReadAnswer> {
    const given = commandOrder(order);
    const { answered, silent, replies } = Object(await this.#invoke(invocationOf(given))) as Outcome;
    return orderAnswer(given, { answered: answered ?? 0, silent: silent ?? [], replies });
  }

  follow(query: FeedQuery, signal: AbortSignal): AsyncIterable<FeedMessage> {
    return pollFeed(this, query, POLL_MS, signal);
  }

  close(): void {
    this.#function?.then(
      ({ client }) => client.destroy(),
      () => undefined,
    );
    this.#function = undefined;
  }

  async #invoke(event: object): Promise<unknown> {
    const { InvokeCommand } = await import('./fleet-aws-sdk');
    try {
      this.#function ??= this.#find();
      const { client, name } = await this.#function;
      const command = new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(event)) });
      const { Payload, FunctionError } = await client.send(command, { abortSignal: AbortSignal.timeout(TIMEOUT_MS) });
      const result: unknown = JSON.parse(Buffer.from(Payload ?? []).toString('utf8'));
      if (FunctionError === undefined) return result;
      const { errorMessage = FunctionError } = Object(result) as { readonly errorMessage?: string };
      if (errorMessage.includes('command must be one of')) throw new CommandFailure(ExitCode.Failed, TOO_OLD);
      throw new CommandFailure(ExitCode.Failed, `The operator function failed: ${errorMessage}`);
    } catch (error) {
      if (error instanceof CommandFailure) throw error;
      this.#function = undefined;
      const why = describeError(error);
      const code = NOT_ALLOWED.test(why) ? ExitCode.NotAllowed : ExitCode.Unreachable;
      const hint = why.includes('Region is missing') ? ' Set AWS_REGION.' : '';
      throw new CommandFailure(code, `${this.name} cannot be reached: ${why}.${hint}`);
    }
  }

  /** The function's name is an output of its stack. */
  async #find(): Promise<{ client: LambdaClient; name: string }> {
    const { CloudFormationClient, DescribeStacksCommand, LambdaClient } = await import('./fleet-aws-sdk');
    const stacks = new CloudFormationClient({});
    const stack = this.#stack.endsWith(STACK_ENDING) ? this.#stack : `${this.#stack}${STACK_ENDING}`;
    try {
      const { Stacks: [found] = [] } = await stacks.send(new DescribeStacksCommand({ StackName: stack }));
      const name = found?.Outputs?.find(({ OutputKey }) => OutputKey === OUTPUT)?.OutputValue;
      if (name !== undefined) return { client: new LambdaClient({}), name };
      throw new CommandFailure(ExitCode.NoEffect, `The stack ${stack} has no output ${OUTPUT}`);
    } catch (error) {
      if (!describeError(error).includes('does not exist')) throw error;
      const says = `There is no stack ${stack} in this account and region: --aws takes the common beginning of the stacks' names, such as RtmpProd.`;
      throw new CommandFailure(ExitCode.NoEffect, says);
    } finally {
      stacks.destroy();
    }
  }
}

/** What the function says of an order. */
interface Outcome {
  readonly answered?: number;
  readonly silent?: readonly string[];
  readonly replies?: readonly { readonly node: string; readonly detail: string }[];
}

/** The event that the function takes; it writes a record of it. */
function invocationOf(order: CommandOrder): object {
  const { order: name, ...fields } = order;
  return { command: name === 'end' ? 'kill' : name, ...fields };
}
