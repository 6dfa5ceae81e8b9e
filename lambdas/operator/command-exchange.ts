import { type CommandOutcome, type CommandPort, giveCommand } from '../../service/operators/exchange/command-exchange';
import { openRedis, publishCommand } from './command-publisher';
import type { RedisAddress } from './operator-config';
import { commandOf, type OrderRequest } from './operator-request';

export interface ExchangeOptions {
  readonly address: RedisAddress;
  readonly password: string | undefined;
  /** The command channel; nodes reply on its name with `:replies`. */
  readonly channel: string;
  /** How long to wait for replies after the command was published (ms). */
  readonly replyMs?: number;
}

/** The command channel of this Redis. */
export function commandPort({ address, password, channel }: ExchangeOptions): CommandPort {
  return {
    channel,
    open: (deadlineMs) => openRedis(address, password, deadlineMs),
    publish: (message) => publishCommand(address, password, channel, message),
  };
}

/**
 * Publishes an order and waits, for a limited time, until the nodes have answered.
 * @throws CommandNotPublished when the order could not be published.
 */
export function exchangeCommand(request: OrderRequest, options: ExchangeOptions): Promise<CommandOutcome> {
  return giveCommand(commandOf(request), commandPort(options), options.replyMs);
}
