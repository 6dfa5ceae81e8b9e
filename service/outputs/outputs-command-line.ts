/** What the program's arguments ask for; settings come only from the environment. */
export type OutputsCommandLine =
  | { readonly does: 'serve' | 'print' | 'check' }
  /** `--help`, `--version`. */
  | { readonly does: 'tell'; readonly text: string }
  | { readonly does: 'refuse'; readonly text: string };

const USAGE = `Usage: node rtmp-outputs.cjs [--print-config | --check | --help | --version]

Forwards, records and packages the streams of a node of rtmp-server. A node starts it by itself where FORWARD_URLS,
RECORD_TO, HLS_TO or OUTPUTS=YES is set. To run it in a container of its own, in the network namespace of the node, give
both the same variables:

  OUTPUTS=SIDECAR OUTPUTS_TOKEN=TEXT   16 characters or more
  FORWARD_URLS=URLS                    rtmp:// and rtmps:// addresses to which streams are sent
  RECORD_TO=PLACE                      a directory, or s3://BUCKET/PREFIX
  HLS_TO=PLACE                         memory, a directory, or s3://BUCKET/PREFIX

README.md lists all settings. Exit codes: 0 ended when asked to, 1 cannot start, 2 bad arguments.`;

/** @param args the arguments after the script's name */
export function readOutputsCommandLine(args: readonly string[], version: string): OutputsCommandLine {
  if (args.includes('--help') || args.includes('-h')) return { does: 'tell', text: USAGE };
  if (args.includes('--version') || args.includes('-v')) return { does: 'tell', text: version };
  if (args.length === 1 && args[0] === '--print-config') return { does: 'print' };
  if (args.length === 1 && args[0] === '--check') return { does: 'check' };
  const [unknown] = args;
  if (unknown !== undefined) return { does: 'refuse', text: `unknown argument ${JSON.stringify(unknown)}\n\n${USAGE}` };
  return { does: 'serve' };
}
