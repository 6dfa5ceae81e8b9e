import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import {
  type Charge,
  ConnectionGate,
  type GateOptions,
  type Visit,
} from '../../../../service/net/gate/connection-gate';
import { MemoryLogger } from '../../../support/memory-logger';

const CLIENT = '192.0.2.1';

let log: MemoryLogger;
let rejections: string[];
/** Places that are taken, by address. */
let taken: string[];
const sockets: PassThrough[] = [];
beforeEach(() => {
  log = new MemoryLogger();
  rejections = [];
  taken = [];
});
afterEach(() => sockets.splice(0).forEach((socket) => socket.destroy()));

function newGate(options: Partial<GateOptions> = {}): ConnectionGate {
  return new ConnectionGate({
    places: {
      acquire: (address) => {
        taken.push(address);
        return true;
      },
      release: (address) => void taken.splice(taken.indexOf(address), 1),
    },
    maxUnproven: 3,
    maxOpen: 10,
    maxRelayCandidates: 0,
    log,
    turnsAway: () => false,
    rejected: (reason) => rejections.push(reason),
    ...options,
  });
}

/** The gate uses no more of a socket than any stream has. */
function newSocket(): Socket {
  const socket = new PassThrough();
  sockets.push(socket);
  return socket as unknown as Socket;
}

function admitted(gate: ConnectionGate, socket = newSocket()): { visit: Visit; socket: Socket } {
  const visit = gate.enter(socket)!;
  visit.charge(CLIENT);
  let isAdmitted = false;
  visit.whenAdmitted(() => (isAdmitted = true));
  expect(isAdmitted).toBe(true);
  return { visit, socket };
}

async function closed(socket: Socket): Promise<void> {
  socket.destroy();
  await new Promise(setImmediate);
}

describe('strangers', () => {
  test('the one that has been here longest gives way to a new one', () => {
    const gate = newGate();
    const strangers = Array.from({ length: 5 }, () => newSocket());
    for (const socket of strangers) expect(gate.enter(socket)).toBeDefined();
    expect(strangers.map(({ destroyed }) => destroyed)).toEqual([true, true, false, false, false]);
    expect(rejections).toEqual(['gave_way', 'gave_way']);
    expect(gate.counts).toEqual({ open: 3, unproven: 3 });
  });

  test("who publishes or plays gives way to nobody, and is refused to nobody's advantage", () => {
    const gate = newGate({ maxOpen: 4 });
    const streaming = Array.from({ length: 3 }, () => admitted(gate));
    for (const { visit } of streaming) visit.proven(false);
    const stranger = newSocket();
    gate.enter(stranger);
    const next = newSocket();
    gate.enter(next);
    expect([stranger.destroyed, next.destroyed]).toEqual([true, false]);
    expect(streaming.every(({ socket }) => !socket.destroyed)).toBe(true);
  });

  test('a node that is full of streams refuses a new connection', () => {
    const gate = newGate({ maxOpen: 2 });
    for (let i = 0; i < 2; i += 1) admitted(gate).visit.proven(false);
    const late = newSocket();
    expect(gate.enter(late)).toBeUndefined();
    expect([late.destroyed, rejections]).toEqual([true, ['node_full']]);
  });
});

describe('a place', () => {
  test('is taken once and given back once, however often the end is told of', async () => {
    const gate = newGate();
    const { visit, socket } = admitted(gate);
    visit.charge('192.0.2.2');
    expect(taken).toEqual([CLIENT]);
    visit.leave();
    visit.leave();
    await closed(socket);
    expect(taken).toEqual([]);
    expect(gate.counts).toEqual({ open: 0, unproven: 0 });
  });

  test('follows a connection into another socket object', async () => {
    const gate = newGate();
    const { visit, socket } = admitted(gate);
    const next = newSocket();
    visit.movesTo(next);
    await closed(socket);
    expect([taken, gate.counts.open]).toEqual([[CLIENT], 1]);
    await closed(next);
    expect([taken, gate.counts.open]).toEqual([[], 0]);
  });

  test('that is asked for elsewhere is given back when the client has left meanwhile', async () => {
    let answer: (isTaken: boolean) => void = () => undefined;
    const released: string[] = [];
    const gate = newGate({
      places: {
        acquire: () => new Promise<boolean>((resolve) => (answer = resolve)),
        release: (address) => void released.push(address),
      },
    });
    const socket = newSocket();
    const visit = gate.enter(socket)!;
    visit.charge(CLIENT);
    let isAdmitted = false;
    visit.whenAdmitted(() => (isAdmitted = true));
    await closed(socket);
    answer(true);
    await new Promise(setImmediate);
    expect([isAdmitted, released]).toEqual([false, [CLIENT]]);
  });

  test('of a connection that another process of the machine has let in before is not refused', () => {
    const asked: boolean[] = [];
    const places = { acquire: (_: string, unlimited: boolean) => asked.push(unlimited) > 0, release: () => undefined };
    const gate = newGate({ places, turnsAway: () => true });
    const socket = newSocket();
    gate.enter(socket)!.charge(CLIENT, { moved: true });
    expect([socket.destroyed, asked]).toEqual([false, [true]]);
  });

  test('that nobody has closes the connection, with a reason for the log', () => {
    const gate = newGate({ places: { acquire: () => false, release: () => undefined } });
    const socket = newSocket();
    gate.enter(socket)!.charge(CLIENT);
    expect([socket.destroyed, rejections]).toEqual([true, ['too_many_connections']]);
    expect(log.matching(/^request connection refused.*192\.0\.2\.1/)).toHaveLength(1);
  });

  test('on a node that is being emptied is for nobody', () => {
    const gate = newGate({ turnsAway: () => true });
    const client = newSocket();
    gate.enter(client)!.charge(CLIENT);
    expect([client.destroyed, rejections]).toEqual([true, ['leaving']]);
  });
});

describe('where relays of other nodes come', () => {
  const full = { places: { acquire: () => false, release: () => undefined }, maxRelayCandidates: 2 };

  function candidate(gate: ConnectionGate, more: Partial<Charge> = {}): { visit: Visit; socket: Socket } {
    const socket = newSocket();
    const visit = gate.enter(socket)!;
    visit.charge(CLIENT, { mayBeRelay: true, ...more });
    return { visit, socket };
  }

  test.each([
    ['beyond the limits of its address', full, {}, 'too_many_connections'],
    ['on a node that is being emptied', { turnsAway: () => true, maxRelayCandidates: 2 }, {}, 'leaving'],
    ['of somebody who may not come', { maxRelayCandidates: 2 }, { refusal: { code: 'x', reason: 'no' } }, 'x'],
  ])(
    'a connection %s is let in to prove itself, and is refused if it ends without',
    async (_, options, charge, code) => {
      const gate = newGate(options);
      const [relay, other] = [candidate(gate, charge), candidate(gate, charge)];
      let admitted = 0;
      for (const { visit } of [relay, other]) visit.whenAdmitted(() => (admitted += 1));
      expect([admitted, relay.visit.isForRelays, rejections]).toEqual([2, true, []]);
      relay.visit.proven(true);
      expect(relay.visit.isForRelays).toBe(false);
      for (const { socket } of [relay, other]) await closed(socket);
      expect(rejections).toEqual([code]);
      expect(log.matching(/^request connection refused.*192\.0\.2\.1/)).toHaveLength(1);
      expect(gate.counts).toEqual({ open: 0, unproven: 0 });
    },
  );

  test('few are let in so at a time, and who has proven itself gives way to nobody', () => {
    const gate = newGate({ ...full, maxUnproven: 10 });
    const relay = candidate(gate);
    relay.visit.proven(true);
    const strangers = [1, 2, 3, 4].map(() => candidate(gate));
    expect([relay, ...strangers].map(({ socket }) => socket.destroyed)).toEqual([false, true, true, false, false]);
    expect(rejections).toEqual(['too_many_connections', 'too_many_connections']);
  });

  test('a relay takes no place of its address', () => {
    const gate = newGate({ maxRelayCandidates: 2 });
    const { visit } = candidate(gate);
    expect([visit.isForRelays, taken]).toEqual([false, [CLIENT]]);
    visit.proven(true);
    expect(taken).toEqual([]);
  });

  test('a connection that cannot be one is refused at once', () => {
    const { socket } = candidate(newGate(full), { mayBeRelay: false });
    expect([socket.destroyed, rejections]).toEqual([true, ['too_many_connections']]);
  });
});
