import { Event } from '../../http/api/schemas/event';
import { ExitCode } from '../command-line/exit-codes';
import { plainText } from '../terminal/plain-text';
import type { FleetContext } from './fleet-context';
import { missingLines } from './show';
import { channelOf, eventText, timeText } from './words';

/** `events [--follow]`: one line each; with --json one object a line. */
export async function eventsCommand(context: FleetContext): Promise<ExitCode> {
  const { fleet, terminal, options, source, signal } = context;
  const channel = options.text('channel');
  const follows = options.flag('follow');
  const page = await fleet.events(channel);
  for (const event of page.events) print(event, context);
  terminal.complain(...missingLines(page.unanswered, context));
  if (!follows) {
    if (page.events.length === 0) terminal.complain('Nothing has happened lately.');
    return ExitCode.Done;
  }
  const lastId = page.events.at(-1)?.id;
  const printed = new Set(page.events.map(({ id }) => id));
  for await (const { name, data } of source.follow({ channel, figures: false, lastId }, signal)) {
    if (name === 'figures') continue;
    const event = Event.safeParse(JSON.parse(data));
    if (event.success && !printed.has(event.data.id)) print(event.data, context);
  }
  return ExitCode.Done;
}

function print(event: Event, { terminal, options }: FleetContext): void {
  if (options.flag('json')) {
    terminal.print(JSON.stringify(event));
    return;
  }
  const channel = channelOf(event);
  const of = channel === '' ? '' : `${terminal.paint(plainText(channel), 'bold')}  `;
  terminal.print(`${terminal.paint(timeText(event.at, new Date()), 'dim')}  ${of}${plainText(eventText(event))}`);
}
