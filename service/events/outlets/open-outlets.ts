import type { EventsConfig } from '../../config/event-settings';
import type { Event } from '../../http/api/schemas/event';
import type { Logger } from '../../logging/logger';
import type { EventBus } from '../event-bus';
import { EVENT_BRIDGE_BATCH, openEventBridge } from './event-bridge';
import { EventOutbox, type Sending } from './event-outbox';
import { sendToWebhook } from './webhook';

/** Most time for the events that are left when the node ends (ms). */
const CLOSE_MS = 2_000;

/** Sends the node's events to the receivers that are configured. */
export function openOutlets(
  { webhook, busName }: EventsConfig,
  bus: Pick<EventBus, 'listen'>,
  log: Logger,
): { close(): Promise<void> } {
  const outboxes: EventOutbox[] = [];
  if (webhook) {
    const send = async (events: readonly Event[]): Promise<Sending> => sendToWebhook(webhook, events[0]!);
    outboxes.push(new EventOutbox({ name: 'EVENTS_WEBHOOK_URL', batch: 1, send, log }));
  }
  if (busName !== undefined) {
    const send = openEventBridge(busName);
    outboxes.push(new EventOutbox({ name: 'EVENTS_BUS_NAME', batch: EVENT_BRIDGE_BATCH, send, log }));
  }
  const silences = outboxes.map((outbox) => bus.listen((event) => outbox.add(event)));
  return {
    async close() {
      for (const silence of silences) silence();
      await Promise.all(outboxes.map((outbox) => outbox.close(CLOSE_MS)));
    },
  };
}
