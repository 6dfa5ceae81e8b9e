import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { Event } from '../../http/api/schemas/event';
import type { Sending } from './event-outbox';

/** `source` of the events, for rules of EventBridge. */
export const EVENT_SOURCE = 'rtmp-ingest';

/** Most entries of one PutEvents request (service quota; not adjustable). */
export const EVENT_BRIDGE_BATCH = 10;

const TIMEOUT_MS = 15_000;

/** Puts events onto a bus of EventBridge. The SDK is loaded with the first event. */
export function openEventBridge(busName: string): (events: readonly Event[]) => Promise<Sending> {
  let client: EventBridgeClient | undefined;
  return async (events) => {
    const { EventBridgeClient: Client, PutEventsCommand } = await import('../../aws/aws-sdk');
    client ??= new Client({});
    const Entries = events.map(({ type, at, ...detail }) => ({
      EventBusName: busName,
      Source: EVENT_SOURCE,
      DetailType: type,
      Time: new Date(at),
      Detail: JSON.stringify(detail),
    }));
    const answer = await client.send(new PutEventsCommand({ Entries }), {
      abortSignal: AbortSignal.timeout(TIMEOUT_MS),
    });
    // Entries fail one by one, for internal faults or throttling; the batch is sent again, with the same ids.
    const failed = answer.Entries?.find(({ ErrorCode }) => ErrorCode !== undefined);
    return failed === undefined
      ? { result: 'sent' }
      : { result: 'retry', reason: `${failed.ErrorCode}: ${failed.ErrorMessage ?? ''}` };
  };
}
