import { chooseIoPath } from '../../net/sockets/io-path';
import { silentLogger } from '../../logging/silent-logger';
import { failed, type Finding, passed, skipped, warned } from './finding';

/** Lines of Node.js that the server is tested with. */
const TESTED_LINES: ReadonlySet<number> = new Set([22, 24, 26]);
const FIRST_USABLE: readonly [number, number] = [20, 20];
/** Each client takes one; a node of the default size with its players and callbacks needs some thousands. */
const FEW_DESCRIPTORS = 4_096;
const TOO_FEW_DESCRIPTORS = 1_024;

/** @param version such as `v24.1.0` */
export function checkNodeVersion(version: string = process.version): Finding {
  const check = 'node.version';
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
  const tested = 'Install the newest patch release of Node.js 22, 24 or 26.';
  const [firstMajor, firstMinor] = FIRST_USABLE;
  if (major < firstMajor || (major === firstMajor && minor < firstMinor)) {
    return failed(check, `Node.js ${version} is too old, the server does not start on it`, tested);
  }
  if (TESTED_LINES.has(major)) return passed(check, `Node.js ${version} is of a tested line`);
  if (major === firstMajor) return warned(check, `Node.js ${version} gets no security fixes any more`, tested);
  return warned(check, `Node.js ${version} is not of a tested line`, tested);
}

export async function checkIoPath(choose: typeof chooseIoPath = chooseIoPath): Promise<Finding> {
  const check = 'node.io_path';
  let fault = '';
  const log = {
    ...silentLogger,
    warning: (_message: string, fields?: { readonly reason?: unknown }) => {
      fault = typeof fields?.reason === 'string' ? fields.reason : '';
    },
  };
  const path = await choose(log);
  if (path === 'onread') return passed(check, 'Sockets are read on the fast path (onread)');
  const says = `Sockets are read with public calls alone, because the fast path failed its test (${fault})`;
  return warned(check, says, 'Expect more CPU time per stream, or use a tested version of Node.js.');
}

/** @param limit the process's limit of open files; undefined: unlimited or unknown */
export function checkDescriptors(limit: number | undefined = openFileLimit()): Finding {
  const check = 'descriptors';
  if (limit === undefined) return skipped(check, 'The limit of open files is unlimited or not known on this system');
  const raise = 'Raise the limit: ulimit -n 65536 in the shell, LimitNOFILE=65536 in systemd, ulimits in Docker.';
  if (limit < TOO_FEW_DESCRIPTORS) {
    return failed(check, `At most ${limit} files and connections can be open, each client needs one`, raise);
  }
  if (limit < FEW_DESCRIPTORS) return warned(check, `At most ${limit} files and connections can be open`, raise);
  return passed(check, `Up to ${limit} files and connections can be open`);
}

/** Node.js raises the soft limit to the hard one at its start, so the soft limit is what the server gets. */
function openFileLimit(): number | undefined {
  const report = process.report.getReport() as { userLimits?: Record<string, { soft?: unknown }> };
  const soft = report.userLimits?.['open_files']?.soft;
  return typeof soft === 'number' ? soft : undefined;
}
