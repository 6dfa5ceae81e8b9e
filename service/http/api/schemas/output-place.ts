// Apart from the schema, so that a browser does not load the schema library for it.
import type { OutputStatus } from './output';

/** Where the stream goes: target, file or playlist. */
export function outputPlace(output: OutputStatus): string {
  switch (output.kind) {
    case 'forward':
      return output.target;
    case 'record':
      return output.place;
    case 'hls':
      return output.url;
  }
}
