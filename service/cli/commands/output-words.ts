import type { OutputStatus } from '../../http/api/schemas/output';
import { outputPlace } from '../../http/api/schemas/output-place';
import type { Colour } from '../terminal/paint';
import { describeSeconds } from '../terminal/duration';
import { bytes } from './words';

const COLOURS: Readonly<Record<OutputStatus['state'], Colour>> = {
  connecting: 'yellow',
  waiting: 'yellow',
  spooling: 'yellow',
  finishing: 'yellow',
  failed: 'red',
  live: 'green',
  recording: 'green',
};

export function outputColour({ state }: OutputStatus): Colour {
  return COLOURS[state];
}

/** Why an output waits or failed; otherwise its figures. */
export function outputDetail(output: OutputStatus): string {
  if (output.reason !== '') return output.reason;
  switch (output.kind) {
    case 'forward':
      return output.attempts > 1 ? `connected ${output.attempts} times` : '';
    case 'record':
      return `${describeSeconds(output.seconds)}${output.parts > 1 ? `, ${output.parts} parts` : ''}${waits(output)}`;
    case 'hls':
      return `${output.segments} segments${waits(output)}`;
  }
}

/** `forward-1 live: rtmps://a.rtmps.youtube.com/live2, 1.3 GB` */
export function outputText(output: OutputStatus): string {
  const gaps = output.gaps === 0 ? '' : `, ${output.gaps} gaps`;
  const detail = outputDetail(output);
  const figures = `${bytes(output.bytes)}${gaps}${detail === '' ? '' : `, ${detail}`}`;
  return `${output.id} ${output.state}: ${outputPlace(output)}, ${figures}`;
}

function waits({ waitingBytes }: { readonly waitingBytes: number }): string {
  return waitingBytes === 0 ? '' : `, ${bytes(waitingBytes)} not stored yet`;
}
