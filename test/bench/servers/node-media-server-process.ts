import { createRequire } from 'node:module';

interface MediaServer {
  run(): Promise<void>;
}
type MediaServerClass = new (config: object, configPath: string) => MediaServer;

/** Runs Node-Media-Server: `node node-media-server.cjs PORT DATA_DIRECTORY`. */
function main(): void {
  const require = createRequire(__filename);
  const NodeMediaServer = require('node-media-server') as MediaServerClass;
  const [port, dataDirectory] = process.argv.slice(2);
  const server = new NodeMediaServer(
    {
      bind: '127.0.0.1',
      rtmp: { port: Number(port) },
      store: { path: dataDirectory },
      record: { auto: false, path: dataDirectory },
      auth: { play: false, publish: false },
      webadmin: { enable: false },
      notify: { url: '' },
    },
    '',
  );
  // The constructor sets the level to debug; a line per connection would be counted as the server's cost.
  const logger = require('node-media-server/src/core/logger.js') as { level: string };
  logger.level = 'error';
  void server.run();
}

main();
