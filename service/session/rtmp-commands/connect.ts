import type { AmfValue } from '../../protocol/amf/amf-value';
import { asObject, asString, type CommandMessage } from '../../protocol/message/command-message';
import {
  PeerBandwidthLimit,
  setChunkSize,
  setPeerBandwidth,
  windowAckSize,
} from '../../protocol/message/control-messages';
import { ownText } from './own-text';
import { RELAY_SOFTWARE } from './command-context';
import type { CommandSession } from './command-session';

/** Bytes; rtmp-server and nginx-rtmp announce the same. */
const WINDOW_ACK_SIZE = 5_000_000;
/** Enhanced RTMP v2 capability bits (`capsEx`): reconnect request, multitrack, ModEx. */
const CAN_RECONNECT = 1;
const MULTITRACK = 2;
const CAPS_EX = CAN_RECONNECT | MULTITRACK | 4;
/** Enhanced RTMP v2: the server can forward this codec without decoding it. */
const CAN_FORWARD = 4;
const FOUR_CCS = ['av01', 'avc1', 'hvc1', 'vp08', 'vp09', 'vvc1', '.mp3', 'Opus', 'ac-3', 'ec-3', 'fLaC', 'mp4a'];

/** `connect` (RTMP 1.0 section 7.2.1.1): names the channel; the answer has the server's capabilities. */
export function connect(session: CommandSession, _streamId: number, command: CommandMessage): void {
  if (session.state.phase !== 'connecting') {
    sendConnectError(session, command.transactionId, 'Already connected');
    return;
  }
  const properties = asObject(command.object);
  const app = asString(properties?.get('app')) ?? '';
  const tcUrl = asString(properties?.get('tcUrl') ?? properties?.get('tcurl')) ?? '';
  const target = session.context.names.connectTarget(app, tcUrl);
  if (target === undefined) {
    const reason = `Bad channel name: ${session.context.names.allowed} are allowed`;
    rejectConnect(session, command.transactionId, reason);
    return;
  }
  const software = ownText((asString(properties?.get('flashVer')) ?? '').slice(0, 128));
  if (session.context.relaysOnly === true && software !== RELAY_SOFTWARE) {
    session.close('refused', 'no relay of another node');
    return;
  }
  const capsEx = properties?.get('capsEx');
  const canDo = typeof capsEx === 'number' ? capsEx : 0;
  session.connected({
    target,
    software,
    canReconnect: (canDo & CAN_RECONNECT) !== 0,
    knowsMultitrack: (canDo & MULTITRACK) !== 0,
  });
  session.log.request('connect', { client: software, tls: session.transport.secure });
  session.send(
    Buffer.concat([
      windowAckSize(WINDOW_ACK_SIZE),
      setPeerBandwidth(WINDOW_ACK_SIZE, PeerBandwidthLimit.Dynamic),
      setChunkSize(session.context.chunkSize),
    ]),
  );
  const encoding = properties?.get('objectEncoding');
  const answer = new Map<string, AmfValue>([
    ['capabilities', 31],
    ['fmsVer', 'FMS/3,0,1,123'],
  ]);
  const info = new Map<string, AmfValue>([
    ...enhancedCapabilities(),
    ['code', 'NetConnection.Connect.Success'],
    ['description', 'Connection succeeded.'],
    ['level', 'status'],
    ['objectEncoding', typeof encoding === 'number' ? encoding : undefined],
  ]);
  for (const [key, value] of enhancedCapabilities()) answer.set(key, value);
  session.sendCommand(0, ['_result', command.transactionId, answer, info]);
}

/** All media is forwarded bit for bit, so every codec can be. Enhanced RTMP v2, "Enhancing NetConnection". */
function enhancedCapabilities(): [string, AmfValue][] {
  return [
    ['audioFourCcInfoMap', new Map([['*', CAN_FORWARD]])],
    ['capsEx', CAPS_EX],
    ['fourCcList', [...FOUR_CCS]],
    ['videoFourCcInfoMap', new Map([['*', CAN_FORWARD]])],
  ];
}

/** Refuses a client that has not connected, telling it why, and closes the connection. */
export function rejectConnect(session: CommandSession, transactionId: number, reason: string): void {
  sendConnectError(session, transactionId, reason);
  session.close('refused', reason);
}

function sendConnectError(session: CommandSession, transactionId: number, description: string): void {
  const info = new Map([
    ['code', 'NetConnection.Connect.Rejected'],
    ['description', description],
    ['level', 'error'],
  ]);
  session.sendCommand(0, ['_error', transactionId, null, info]);
}
