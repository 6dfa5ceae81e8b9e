import { getHeapStatistics } from 'node:v8';

/**
 * Memory in buffers, including those that wait for the garbage collector (bytes).
 *
 * @param usage opens a file to measure other memory too, and throws when the process has no descriptor left
 */
export function bufferBytes(usage: () => { readonly arrayBuffers: number } = () => process.memoryUsage()): number {
  try {
    return usage().arrayBuffers;
  } catch {
    // A little more: it includes what native code holds for objects.
    return getHeapStatistics().external_memory;
  }
}
