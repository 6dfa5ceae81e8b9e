import type { CommandContext } from '../command-line/command-context';
import type { FleetClient } from '../sources/fleet-client';
import type { FleetSource } from '../sources/fleet-source';

/** What the commands get that work on the fleet. */
export interface FleetContext extends CommandContext {
  readonly source: FleetSource;
  readonly fleet: FleetClient;
}
