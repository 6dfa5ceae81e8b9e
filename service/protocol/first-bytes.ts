/** The name of the header that a load balancer sends before a connection's own bytes. */
export const PROXY_HEADER = 'a PROXY protocol header';

/**
 * The protocol that the first bytes of a connection belong to, to tell an operator that a client uses the wrong port.
 * If there is only one byte, it decides alone. Undefined: no known protocol.
 */
export function protocolOf(bytes: Buffer): string | undefined {
  const [first, second] = bytes;
  if (first === undefined) return undefined;
  if (first === 0x16 && (second ?? 3) === 3) return 'TLS';
  if (first === 0x03) return 'RTMP';
  if (first === 0x06) return 'RTMPE';
  if (first === 0x0d && (second ?? 0x0a) === 0x0a) return PROXY_HEADER;
  // The packets of MPEG-TS begin with a G, as GET does.
  if (first === 0x47 && second !== undefined && second !== 0x45) return 'MPEG-TS';
  const text = bytes.toString('latin1', 0, 8);
  const known = [
    ['SSH-', 'SSH'],
    ['PROXY ', PROXY_HEADER],
    ['FLV', 'an FLV file'],
    ['RTSP', 'RTSP'],
  ].find(([begin]) => text.length > 1 && text.startsWith(begin!.slice(0, text.length)));
  if (known !== undefined) return known[1];
  return /^[A-Z]{3,7}(?: |$)/.test(text) ? 'HTTP' : undefined;
}
