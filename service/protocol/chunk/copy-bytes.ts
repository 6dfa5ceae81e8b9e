/** The last source and its memory: one read buffer serves all connections of a process, so it rarely changes. */
let lastSource: Uint8Array = new Uint8Array();
let memory: ArrayBufferLike = lastSource.buffer;
let offset = 0;

/**
 * Copies `source[start, end)` to `target` from `at` on, like `Buffer.copy` for ranges that are known to fit.
 * `Buffer.copy` asks the source for its memory each time, a call out of compiled code that costs as much as copying 2
 * KB.
 */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  if (source !== lastSource) {
    lastSource = source;
    memory = source.buffer;
    offset = source.byteOffset;
  }
  target.set(new Uint8Array(memory, offset + start, end - start), at);
}
