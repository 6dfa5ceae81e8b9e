import { randomBytes, randomUUID } from 'node:crypto';
import { messageOf } from '../../errors/error-text';
import { roundTrip } from '../../round-trip/round-trip';
import { type Examination, place } from './examination';
import { failed, type Finding, passed, skipped } from './finding';
import { serverAddress } from './port-checks';
import { PROXY_HEADERS, type ProxyHeaderUse } from './rtmp-probe';

const CHECK = 'publish';
const STREAM_MS = 3_000;
/** For connecting, the callback, and a relay between nodes, in addition to the stream. */
const FURTHER_MS = 15_000;

/** Publishes three seconds and plays them at the same time. @param header how the server is reached from here */
export async function checkPublish(examination: Examination, header: ProxyHeaderUse | undefined): Promise<Finding> {
  const { config, clientAddress, channel } = examination;
  if (channel === undefined && config.callback !== undefined) {
    const todo = 'Add --channel NAME --key-stdin and type a stream key that the handler accepts.';
    return skipped(
      CHECK,
      'Nothing was published: the callback decides on publishers, and no stream key was given',
      todo,
    );
  }
  if (clientAddress === undefined && header === undefined) {
    return skipped(CHECK, 'Nothing was published: the server does not answer this machine');
  }
  const address = clientAddress ?? serverAddress(examination);
  const proxyHeader = clientAddress === undefined && header !== undefined ? PROXY_HEADERS[header] : undefined;
  const key = randomBytes(8).toString('hex');
  const used = channel ?? { channel: `doctor-${randomBytes(6).toString('hex')}`, key, playKey: key };
  const where = `${address.secure ? 'rtmps' : 'rtmp'}://${place(address.host, address.port)}/${used.channel}`;
  const begunAt = performance.now();
  try {
    await roundTrip({
      address,
      key: used,
      nonce: randomUUID(),
      durationMs: STREAM_MS,
      timeoutMs: STREAM_MS + FURTHER_MS + (config.callback?.timeoutMs ?? 0),
      software: 'doctor',
      tlsCa: config.callback?.trustedCa,
      proxyHeader,
    });
  } catch (error) {
    const reason = [used.key, used.playKey].reduce((text, secret) => text.replaceAll(secret, '***'), messageOf(error));
    const todo = 'The log of the server says more. Playing needs RTMP_PLAY_WHITELIST to allow this machine.';
    return failed(CHECK, `A test stream to ${where} did not come back: ${reason}`, todo);
  }
  const seconds = ((performance.now() - begunAt) / 1000).toFixed(1);
  const says = `Three seconds published to ${where} with the built-in publisher came back bit for bit (${seconds} s in all)`;
  return passed(CHECK, says);
}
