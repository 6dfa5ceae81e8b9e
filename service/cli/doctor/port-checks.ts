import { messageOf } from '../../errors/error-text';
import { type Examination, localHost, PATIENCE_MS, place } from './examination';
import { failed, type Finding, passed, skipped, warned } from './finding';
import { probeRtmp, type ProxyHeaderUse } from './rtmp-probe';
import { type MetricValues, readMetrics } from './server-metrics';

const PORT_CHECK = 'port.rtmp';
const PROXY_CHECK = 'proxy';

/** Reasons of rejected connections that come from PROXY headers, as /metrics names them. */
const HEADER_FAULTS = ['bad_proxy_header', 'proxy_header_too_large', 'proxy_checksum_mismatch', 'proxy_untrusted'];

/** The header with which the server is reached from this machine; undefined: with none of those that it may expect. */
async function headerOf(examination: Examination): Promise<ProxyHeaderUse | undefined> {
  const address = serverAddress(examination);
  for (const header of likelyHeaders(examination)) {
    if ((await probeRtmp(address, header)).kind === 'answered') return header;
  }
  return undefined;
}

/** The RTMP listener of the server on this machine. */
export function serverAddress({ config }: Pick<Examination, 'config'>): {
  readonly host: string;
  readonly port: number;
  readonly secure: false;
} {
  return { host: localHost(config.rtmp.bindAddress), port: config.rtmp.port, secure: false };
}

/** The likeliest first. */
function likelyHeaders({ config }: Examination): readonly ProxyHeaderUse[] {
  if (config.proxy === undefined) return ['none', 'v2', 'v1'];
  return config.proxy.mode === 'v1' ? ['v1', 'v2', 'none'] : ['v2', 'v1', 'none'];
}

export interface PortFindings {
  readonly findings: readonly Finding[];
  /** How the server's RTMP port can be used from this machine; undefined: not at all. */
  readonly header: ProxyHeaderUse | undefined;
}

/** Whether the server answers on RTMP_PORT, and whether clients and server agree on the PROXY header. */
export async function checkRtmpPort(examination: Examination): Promise<PortFindings> {
  const { config } = examination;
  const address = serverAddress(examination);
  if (address.port === 0) {
    const todo = 'Set RTMP_PORT to the port that the server has chosen, which its log names.';
    return { findings: [skipped(PORT_CHECK, 'RTMP_PORT is 0, so the port is not known', todo)], header: undefined };
  }
  const where = place(address.host, address.port);
  const plain = await probeRtmp(address);
  if (plain.kind === 'unreachable') {
    const todo =
      plain.reason === 'ECONNREFUSED'
        ? 'Start the server, or run doctor with the RTMP_PORT and BIND_ADDRESS that the server has.'
        : 'Check BIND_ADDRESS and the firewall of this machine.';
    return { findings: [failed(PORT_CHECK, `Nothing answers on ${where}: ${plain.reason}`, todo)], header: undefined };
  }
  const header = plain.kind === 'answered' ? 'none' : await headerOf(examination);
  const findings = [portFinding(where, header, config.proxy?.mode), await proxyFinding(examination, header)];
  return { findings: findings.flatMap((finding) => finding ?? []), header };
}

function portFinding(where: string, header: ProxyHeaderUse | undefined, mode: string | undefined): Finding {
  if (header === 'none') return passed(PORT_CHECK, `RTMP is answered on ${where}`);
  if (header !== undefined) return passed(PORT_CHECK, `RTMP is answered on ${where}, after a PROXY header (${header})`);
  if (mode !== undefined) {
    const says = `${where} accepts connections, but answers none from this machine, with or without a PROXY header`;
    const todo =
      'Expected where PROXY_TRUSTED and PROXY_DIRECT do not list this machine: add --rtmp with the address of the load balancer.';
    return skipped(PORT_CHECK, says, todo);
  }
  const todo = 'Another program may have the port: see who listens with ss -ltnp, or choose another RTMP_PORT.';
  return failed(PORT_CHECK, `${where} accepts connections, but does not speak RTMP`, todo);
}

async function proxyFinding(
  examination: Examination,
  header: ProxyHeaderUse | undefined,
): Promise<Finding | undefined> {
  const { config, clientAddress } = examination;
  const mode = config.proxy?.mode;
  if (mode === undefined && header !== undefined && header !== 'none') {
    const says = `The running server expects a PROXY header (${header}), but PROXY_PROTOCOL is off here`;
    return failed(PROXY_CHECK, says, 'Run doctor with the settings of the server, or restart the server with these.');
  }
  if (clientAddress !== undefined) return clientWay(examination);
  const seen = rejectedBecauseOfHeader(await readMetrics(config));
  if (mode === undefined)
    return passed(PROXY_CHECK, 'Connections begin without a PROXY header, as PROXY_PROTOCOL=off says');
  if (header === 'none' && config.proxy?.direct.allows(serverAddress(examination).host) !== true) {
    const says = `PROXY_PROTOCOL=${mode} is set, but the running server answers without a header`;
    return failed(PROXY_CHECK, says, 'Restart the server, so that it uses these settings.');
  }
  if (seen > 0) {
    const says = `The server has refused ${seen} connections because of their PROXY header, or because they had none`;
    return warned(PROXY_CHECK, says, 'Its log says why. Check with --rtmp and the address of the load balancer.');
  }
  const todo = 'Add --rtmp with the address of the load balancer to check what it sends.';
  return skipped(PROXY_CHECK, `The server expects a PROXY header (${mode})`, todo);
}

/** Tries the address that clients use, and finds out why it does not work where the server itself does. */
async function clientWay(examination: Examination): Promise<Finding> {
  const { config, clientAddress } = examination;
  const address = clientAddress!;
  const where = place(address.host, address.port);
  const before = await readMetrics(config);
  const probe = await probeRtmp(address);
  const mode = config.proxy?.mode;
  if (probe.kind === 'answered') {
    const header = mode === undefined ? 'without a PROXY header' : `with a PROXY header (${mode})`;
    return passed(PROXY_CHECK, `Clients that connect to ${where} reach the server, ${header}`);
  }
  if (probe.kind === 'unreachable') {
    const todo = 'Check its name and port, the load balancer, and the firewalls on the way.';
    return failed(PROXY_CHECK, `Clients cannot connect to ${where}: ${probe.reason}`, todo);
  }
  const after = await readMetrics(config);
  const rose = (reason: string): boolean => count(after, reason) > count(before, reason);
  const off = 'or set PROXY_PROTOCOL=off';
  if (rose('proxy_untrusted')) {
    const says = `The server does not believe the PROXY header of connections through ${where}`;
    return failed(
      PROXY_CHECK,
      says,
      "Add the load balancer's own address, which the server's log names, to PROXY_TRUSTED.",
    );
  }
  if (mode !== undefined) {
    const says = `${where} sends no PROXY header that the server can read (it expects ${mode})`;
    const todo = `Turn it on at the load balancer (HAProxy: send-proxy-v2; NLB: proxy_protocol_v2.enabled), ${off}.`;
    return failed(PROXY_CHECK, says, todo);
  }
  const says = `The server does not answer through ${where}, which probably sends a PROXY header (${probe.reason})`;
  const todo =
    "Set PROXY_PROTOCOL=v2 (or v1) and PROXY_TRUSTED to the load balancer's addresses, or turn its header off.";
  return failed(PROXY_CHECK, says, todo);
}

function count(values: MetricValues | undefined, reason: string): number {
  return values?.get(`rtmp_rejected_connections_total{reason="${reason}"}`) ?? 0;
}

function rejectedBecauseOfHeader(values: MetricValues | undefined): number {
  return HEADER_FAULTS.reduce((sum, reason) => sum + count(values, reason), 0);
}

const SET_HTTP_PORT = 'Set HTTP_PORT to see streams, metrics and the console.';

/**
 * Whether the server takes new streams, by its own word.
 *
 * @param isAssumed the port is a default: it is no fault when no server of this program answers there
 */
export async function checkReadiness({ config }: Examination, isAssumed = false): Promise<Finding> {
  const check = 'port.http';
  const { http } = config;
  if (http === undefined || http.port === 0) {
    return skipped(check, 'HTTP_PORT is not set, so the server cannot be asked how it is', SET_HTTP_PORT);
  }
  const where = place(localHost(http.bindAddress), http.port);
  try {
    const url = `http://${where}/readyz`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS), redirect: 'error' });
    const text = (await answer.text()).slice(0, 200);
    if (answer.ok) return passed(check, `The server on ${where} is ready for new streams`);
    if (isAssumed && answer.status !== 503) return skipped(check, `Another program answers on ${where}`, SET_HTTP_PORT);
    return failed(check, `The server on ${where} says: ${text}`, 'Its log says more about the reason.');
  } catch (error) {
    const reason = messageOf((error as { readonly cause?: unknown }).cause ?? error);
    const todo = 'Start the server, or run doctor with the HTTP_PORT and HTTP_BIND_ADDRESS that the server has.';
    if (isAssumed) return skipped(check, `HTTP_PORT is not set, and nothing answers on ${where}`, SET_HTTP_PORT);
    return failed(check, `HTTP is not answered on ${where}: ${reason}`, todo);
  }
}
