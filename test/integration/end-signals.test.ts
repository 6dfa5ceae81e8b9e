import { describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { ServerProcess, type ServerEnvironment } from '../support/servers/server-process';

/** Starts the server with a signal for one of its kinds of processes while that is being loaded. */
function startWith(environment: ServerEnvironment, waitUntilReady: boolean): Promise<ServerProcess> {
  const hook = join(__dirname, '../support/servers/signal-while-loading.cjs');
  return ServerProcess.start(environment, { command: [process.execPath, '--require', hook], waitUntilReady });
}

describe.each(['SIGTERM', 'SIGINT'])('%s while the program is being loaded', (SIGNAL) => {
  test('ends it as at any other time', async () => {
    const server = await startWith({ SIGNAL, SIGNALLED: 'parent' }, false);
    expect(await server.exited).toMatchObject({ code: 0 });
  });

  test('does nothing to a worker: the parent process says when to end', async () => {
    const server = await startWith({ SIGNAL, SIGNALLED: 'worker', WORKERS: '2' }, true);
    expect(server.log).not.toContain('a worker ended');
    expect(await server.stop()).toBe(0);
  });
});
