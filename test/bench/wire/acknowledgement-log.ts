/** The sequence numbers of a server's acknowledgements: 32-bit counts of bytes that wrap. */
export class AcknowledgementLog {
  /** What was asked for; 0: nothing. */
  window = 0;
  count = 0;
  /** Passes over 2^32. */
  wraps = 0;
  /** Steps that were not one window. */
  wrong = 0;
  private last = 0;

  received(sequenceNumber: number): void {
    this.count++;
    // The first one also counts the bytes before it was asked for.
    if (this.count > 1 && (sequenceNumber - this.last) >>> 0 !== this.window) this.wrong++;
    if (sequenceNumber < this.last) this.wraps++;
    this.last = sequenceNumber;
  }
}
