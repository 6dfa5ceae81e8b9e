import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Departure, MovableSession } from '../../../service/session/opening';
import type { Session } from '../../../service/session/session';
import { ClientHandshake } from '../../support/rtmp/client-handshake';
import { ChunkBuilder, command } from '../../support/rtmp/wire-builder';
import { SessionRig } from './session-rig';

/** The bytes of players, in pieces: handshake, connect and play of Flash-like clients. */
function opening(playKey = 'key'): Buffer[] {
  const chunks = new ChunkBuilder();
  return [
    new ClientHandshake().c0c1,
    Buffer.alloc(1536),
    chunks.message(command('connect', 1, [{ app: 'channel', flashVer: 'LNX 9,0,124,2' }], 0)),
    chunks.message(command('createStream', 2, [null], 0)),
    chunks.message(command('play', 3, [null, playKey], 1)),
  ];
}

interface Moved {
  readonly session: MovableSession;
  readonly departure: Departure;
}

/** A rig whose viewers are all moved to another process. */
function benchThatMoves(moved: Moved[]): SessionRig {
  return new SessionRig((session) => {
    if (session.opening.canMove) moved.push({ session, departure: session.opening.depart() });
    return Promise.resolve();
  });
}

describe('a viewer whose stream another process has', () => {
  test('leaves with all that it said, and hears there what it would have heard here, however its bytes are cut', () => {
    const said = Buffer.concat(opening());
    fc.assert(
      fc.property(fc.array(fc.nat(said.length), { maxLength: 8 }), (cuts) => {
        const moved: Moved[] = [];
        const client = benchThatMoves(moved).open();
        const borders = [0, ...cuts.sort((a, b) => a - b), said.length];
        for (let i = 1; i < borders.length; i += 1) client.bytes(said.subarray(borders[i - 1], borders[i]));
        expect(client.session.phase).toBe('closed');
        expect(client.transport.ended).toBe(false);
        const { departure } = moved[0]!;
        expect(departure.said).toEqual(said);
        const sent = Buffer.concat(client.transport.written);
        expect(departure.answeredBytes).toBe(sent.length);

        const there = new SessionRig().open();
        there.bytes(departure.said);
        expect(there.session.phase).toBe('playing');
        const again = Buffer.concat(there.transport.written);
        // The handshake's 3073 bytes are random; the second handshake is not sent to the client.
        expect(again.subarray(3073, sent.length)).toEqual(sent.subarray(3073));
        expect(again.length).toBeGreaterThan(sent.length);
      }),
      { numRuns: 50 },
    );
  });

  test('plays here when it is not moved', async () => {
    const rig = new SessionRig(() => Promise.resolve());
    const client = rig.open();
    for (const part of opening()) client.bytes(part);
    expect(client.transport.paused).toBe(true);
    await Promise.resolve();
    expect(client.session.phase).toBe('playing');
    expect(client.transport.paused).toBe(false);
  });

  test.each([
    ['it has been pinged', (rig: SessionRig) => rig.advance(31)],
    ['it has said a lot', (_: SessionRig, session: Session) => session.receive(flood(), 0, flood().length)],
    ['it was moved before', (_: SessionRig, session: Session) => session.opening.stay()],
  ])('stays when %s', async (_why, before) => {
    const moved: Moved[] = [];
    const rig = benchThatMoves(moved);
    const client = rig.open();
    const parts = opening();
    for (const part of parts.slice(0, 4)) client.bytes(part);
    before(rig, client.session);
    client.bytes(parts[4]!);
    await Promise.resolve();
    expect(moved).toEqual([]);
    expect(client.session.phase).toBe('playing');
  });

  test('stays when the stream is here', async () => {
    const moved: Moved[] = [];
    const rig = benchThatMoves(moved);
    await rig.publisher();
    const client = rig.open();
    for (const part of opening()) client.bytes(part);
    expect([moved, client.session.phase]).toEqual([[], 'playing']);
  });
});

/** Many small messages without effect, as a client may send them. */
function flood(): Buffer {
  const chunks = new ChunkBuilder();
  const message = (): Buffer => chunks.message({ type: 3, streamId: 0, timestamp: 0, payload: Buffer.alloc(4) });
  return Buffer.concat(Array.from({ length: 1200 }, message));
}
