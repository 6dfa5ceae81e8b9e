/** The result of one listener. */
export interface ListenerResult {
  readonly listener: string;
  readonly success: boolean;
  readonly durationMs: number;
  /** Why it failed. */
  readonly error?: string | undefined;
}

/** The result as a line in CloudWatch's embedded metric format: 1 or 0, and how long the round trip took. */
export function metricLine(namespace: string, result: ListenerResult, now: Date): string {
  return JSON.stringify({
    _aws: {
      Timestamp: now.getTime(),
      CloudWatchMetrics: [
        {
          Namespace: namespace,
          Dimensions: [['Listener']],
          Metrics: [
            { Name: 'CanarySuccess', Unit: 'Count' },
            { Name: 'CanaryDurationMs', Unit: 'Milliseconds' },
          ],
        },
      ],
    },
    Listener: result.listener,
    CanarySuccess: result.success ? 1 : 0,
    CanaryDurationMs: result.durationMs,
    ...(result.error === undefined ? {} : { error: result.error }),
  });
}
