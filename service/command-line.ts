/** What the program's arguments ask for; settings come only from the environment. */
export type CommandLine =
  | { readonly does: 'serve'; readonly quickStart: boolean }
  /** `--print-config`, `--check`: the settings, or whether they are usable. */
  | { readonly does: 'print'; readonly quickStart: boolean }
  | { readonly does: 'check'; readonly quickStart: boolean }
  /** `--help`, `--version`. */
  | { readonly does: 'tell'; readonly text: string }
  | { readonly does: 'refuse'; readonly text: string };

/**
 * Given by `npm start`: prints how to publish and opens the HTTP port, unlike a start in a container or by a service
 * manager.
 */
const QUICK_START = '--quick-start';

const USAGE = `Usage: node rtmp-server.cjs [--print-config | --check | --help | --version]
       npm start

Serves RTMP, and RTMPS with a certificate, until SIGTERM or Ctrl-C. Settings are environment variables, or lines of a
.env file in the working directory. The ones most often needed:

  RTMP_PORT=1935                     listening port
  SSL_CERT=FILE SSL_KEY=FILE         RTMPS on SSL_PORT (443)
  CALLBACK_URL=URL JWT_SECRET=TEXT   asks an HTTP handler who may publish; without, everybody may
  RTMP_PLAY_WHITELIST=10.0.0.0/8     who may play; without, everybody who knows the key
  REDIS_USE=YES REDIS_HOST=HOST      takes operators' commands from Redis
  HTTP_PORT=8080                     the console at /, the API at /api/v1, /live/CHANNEL/KEY.flv, health, metrics
  RECORD_TO=DIR HLS_TO=memory        records streams; shows them at /watch/CHANNEL?key=KEY
  FORWARD_URLS=URL                   forwards streams to other RTMP servers
  OPERATOR_TOKEN=TEXT                who has it gives orders, and reads from other machines
  LOG_DEBUG=YES                      more log lines

Example: RTMP_PORT=1936 HTTP_PORT=8080 node rtmp-server.cjs

--print-config prints the settings in use, with secrets hidden; --check says whether they are usable, and exits with 0
or 1. Neither starts the server.

README.md lists all settings. Exit codes: 0 ended when asked to, 1 cannot start, 2 bad arguments.`;

/** @param args the arguments after the script's name */
export function readCommandLine(args: readonly string[], version: string): CommandLine {
  const given = args.filter((arg) => arg !== QUICK_START);
  if (given.includes('--help') || given.includes('-h')) return { does: 'tell', text: USAGE };
  if (given.includes('--version') || given.includes('-v')) return { does: 'tell', text: version };
  const quickStart = args.includes(QUICK_START);
  if (given.length === 1 && given[0] === '--print-config') return { does: 'print', quickStart };
  if (given.length === 1 && given[0] === '--check') return { does: 'check', quickStart };
  const [unknown] = given;
  if (unknown !== undefined) return { does: 'refuse', text: `unknown argument ${JSON.stringify(unknown)}\n\n${USAGE}` };
  return { does: 'serve', quickStart };
}
