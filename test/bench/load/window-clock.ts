import type { ProcessReport } from './generator-api';

/** The measured window as one generator process sees it: time, its own CPU time, and connections that were lost. */
export class WindowClock {
  private startedAt = performance.now();
  private cpu = process.cpuUsage();
  private disconnects: string[] = [];

  begin(): void {
    this.startedAt = performance.now();
    this.cpu = process.cpuUsage();
    this.disconnects = [];
  }

  disconnected(reason: string): void {
    this.disconnects.push(reason);
  }

  end(): ProcessReport {
    const elapsedMs = performance.now() - this.startedAt;
    const used = process.cpuUsage(this.cpu);
    return {
      seconds: elapsedMs / 1000,
      cpuShare: (used.user + used.system) / 1000 / elapsedMs,
      disconnects: this.disconnects,
    };
  }
}
