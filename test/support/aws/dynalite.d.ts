declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface DynaliteOptions {
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
    readonly updateTableMs?: number;
    /** Directory of the store; in memory when absent. */
    readonly path?: string;
  }

  /** An HTTP server that answers as DynamoDB. */
  function dynalite(options?: DynaliteOptions): Server;
  export = dynalite;
}
