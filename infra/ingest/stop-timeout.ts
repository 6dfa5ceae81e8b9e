/** Longest that Fargate waits between SIGTERM and SIGKILL. */
export const stopTimeoutSeconds = 120;
