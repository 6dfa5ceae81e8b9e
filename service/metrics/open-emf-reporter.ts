import { EmfReporter } from './emf-reporter';
import type { NodeFigures } from './node-figures';

export interface EmfSettings {
  /** Absent: metrics are not written to the log. */
  readonly emf: { readonly service: string } | undefined;
  readonly slots: number;
}

/**
 * Writes a machine's metrics to its log, if the settings ask for that.
 *
 * @param collect the figures of all its processes since the last call
 */
export function openEmfReporter(
  { emf, slots }: EmfSettings,
  collect: () => Promise<readonly NodeFigures[]>,
): EmfReporter | undefined {
  return emf && new EmfReporter({ service: emf.service, slots, collect });
}
