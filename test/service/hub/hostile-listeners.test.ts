import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Channel } from '../../../service/hub/channel';
import { Hub } from '../../../service/hub/hub';
import { Player } from '../../../service/hub/player';
import type { Publication } from '../../../service/hub/publication';
import type { Publisher } from '../../../service/hub/publisher';
import { MessageType } from '../../../service/protocol/message-types';
import { FakeOutlet } from './fake-player';
import { aacFrame, keyframe, StreamRig } from './stream-rig';

const CHANNELS = ['one', 'other'];
const DEEDS = [
  'play',
  'play with a wrong key',
  'play for another node',
  'leave',
  'reserve',
  'give up',
  'publish',
  'relay',
  'go on',
  'go on gently',
  'relay gently',
  'lose',
  'end',
  'kill',
  'send audio',
  'send a keyframe',
  'tick',
] as const;

/** An action on a channel. `choice` selects the actor, where there are several. */
interface Deed {
  readonly channel: string;
  readonly what: (typeof DEEDS)[number];
  readonly choice: number;
}

class Viewer {
  readonly player: Player;
  /** The notifications that it got since it joined. */
  readonly heard: string[] = [];
  isHere = true;

  constructor(
    readonly world: World,
    readonly channel: string,
    key: string,
    isRelay: boolean,
  ) {
    const told = (what: string) => (): void => {
      this.heard.push(what);
      if (!this.isHere) world.faults.push(`a viewer that has left was told that the stream ${what}`);
      if (what === 'refused') this.isHere = false;
      world.react();
    };
    const [streamBegan, streamEnded, keyRefused] = [told('began'), told('ended'), told('refused')];
    const listener = { streamBegan, streamEnded, keyRefused, tooSlow: told('too slow') };
    this.player = new Player({ outlet: new FakeOutlet(), listener, streamId: 1, key, isRelay });
  }

  leave(): void {
    this.isHere = false;
    this.world.hub.channel(this.channel).removePlayer(this.player);
  }
}

class Source implements Publisher {
  readonly clientIp = '192.0.2.1';
  readonly software = 'test';
  publication: Publication | undefined;
  displacements = 0;
  /** Its connection has broken: it gets no more notifications. */
  isLost = false;

  constructor(
    readonly world: World,
    readonly isRelay: boolean,
  ) {}

  /** As a session does: its end is the stream's. */
  kill(): void {
    if (this.publication !== undefined) this.world.hub.find(this.publication.channel)?.end(this.publication);
    this.world.react();
  }

  displaced(): void {
    this.displacements += 1;
    if (this.displacements > 1) this.world.faults.push('a publisher was displaced twice');
    if (this.publication?.publisher === this) this.world.faults.push('a publisher was displaced that still publishes');
    this.world.react();
  }
}

/** A hub whose listeners run the next action of a list at each notification. */
class World {
  readonly hub = new Hub(new StreamRig().env);
  readonly faults: string[] = [];
  readonly #viewers: Viewer[] = [];
  readonly #sources: Source[] = [];
  readonly #channels = new Set<Channel>();
  readonly #candidates = new Map<Channel, Source>();

  constructor(private readonly reactions: Deed[]) {}

  react(): void {
    this.#check();
    const deed = this.reactions.pop();
    if (deed !== undefined) this.perform(deed);
  }

  perform({ channel: name, what, choice }: Deed): void {
    const channel = this.hub.channel(name);
    this.#channels.add(channel);
    const here = this.#viewers.filter((viewer) => viewer.isHere && viewer.channel === name);
    const { publication } = channel;
    switch (what) {
      case 'play':
      case 'play with a wrong key':
      case 'play for another node':
        this.#play(channel, what === 'play with a wrong key' ? 'wrong' : 'key', what === 'play for another node');
        break;
      case 'leave':
        here[choice % here.length]?.leave();
        break;
      case 'reserve':
        this.#reserve(channel, false);
        break;
      case 'give up':
        this.#giveUp(channel);
        break;
      case 'publish':
      case 'relay':
        this.#feed(channel, what === 'relay', (source, begin) => channel.begin(source, begin));
        break;
      case 'go on':
      case 'go on gently':
      case 'relay gently':
        if (publication === null) break;
        this.#feed(channel, what === 'relay gently', (source, begin) =>
          channel.resume(source, begin, what !== 'go on'),
        );
        break;
      case 'lose':
        if (publication?.publisher instanceof Source) this.#lose(channel, publication.publisher);
        break;
      case 'end':
        if (publication !== null) channel.end(publication, choice % 2 === 0 ? undefined : 'ended');
        break;
      case 'kill':
        publication?.publisher?.kill('killed');
        break;
      case 'send audio':
        publication?.inlet.appendMedia(MessageType.Audio, choice, aacFrame('a'));
        break;
      case 'send a keyframe':
        publication?.inlet.appendMedia(MessageType.Video, choice, keyframe('k'));
        break;
      case 'tick':
        publication?.stream.flush();
        this.hub.tick(choice);
        break;
    }
    this.#check();
  }

  /** The invariants when all notifications have been delivered. */
  checkAtRest(): void {
    this.#check();
    for (const { channel, heard, isHere, player } of this.#viewers) {
      // Another node may be told of an end without having been served.
      if (player.isRelay) continue;
      for (let at = 1; at < heard.length; at += 1) {
        if (heard[at] === heard[at - 1]) this.faults.push(`a viewer was told twice that the stream ${heard[at]}`);
      }
      const last = heard.at(-1);
      if (!isHere || last === undefined) continue;
      const isLive = (this.hub.find(channel)?.publication ?? null) !== null;
      if (isLive !== (last === 'began')) this.faults.push(`a viewer was last told that the stream ${last}`);
    }
    for (const source of this.#sources) {
      const { publication } = source;
      const goesOn = (publication?.publisher ?? source) !== source;
      // Until the next source has a keyframe, the previous source still feeds the stream.
      const isHandedOver = publication !== undefined && publication.inlet !== publication.stream;
      if (goesOn && source.displacements === 0 && !source.isLost && !isHandedOver) {
        this.faults.push('a publisher whose stream goes on without it was not displaced');
      }
    }
  }

  /** The invariants at any time, also during a notification. */
  #check(): void {
    for (const channel of this.#channels) {
      const { name, publication } = channel;
      const isFound = this.hub.find(name) === channel;
      const here = isFound ? this.#viewers.filter((viewer) => viewer.isHere && viewer.channel === name) : [];
      if (!channel.isUnused && !isFound) this.faults.push(`channel ${name} is in use, but not to be found`);
      const viewers = here.filter(({ player }) => !player.isRelay).length;
      // A refused player is removed before it is notified.
      const refused = here.filter(({ player }) => player.key === 'wrong').length;
      if (channel.viewerCount > viewers || channel.viewerCount < viewers - refused) {
        this.faults.push(`${channel.viewerCount} viewers instead of ${viewers}`);
      }
      if (publication === null) continue;
      const served = publication.stream.viewerCount;
      if (served !== channel.viewerCount) this.faults.push(`${served} served of ${channel.viewerCount} viewers`);
      if (publication.stream.playerCount > here.length) this.faults.push('somebody is served twice');
    }
  }

  #play(channel: Channel, key: string, isRelay: boolean): void {
    if (!isRelay && !channel.admits(key)) return;
    const viewer = new Viewer(this, channel.name, key, isRelay);
    this.#viewers.push(viewer);
    channel.addPlayer(viewer.player);
  }

  #reserve(channel: Channel, isRelay: boolean): Source | undefined {
    const source = new Source(this, isRelay);
    if (!channel.reserve(source, true)) return undefined;
    this.#candidates.set(channel, source);
    return source;
  }

  #giveUp(channel: Channel): void {
    const candidate = this.#candidates.get(channel);
    this.#candidates.delete(channel);
    if (candidate !== undefined) channel.withdraw(candidate);
  }

  #lose(channel: Channel, source: Source): void {
    source.isLost = true;
    channel.hold(source);
  }

  #feed(channel: Channel, isRelay: boolean, how: (source: Source, begin: typeof BEGIN) => Publication): void {
    this.#giveUp(channel);
    // The channel is empty now.
    if (this.hub.find(channel.name) !== channel) return;
    const source = this.#reserve(channel, isRelay);
    if (source === undefined) return;
    this.#candidates.delete(channel);
    this.#sources.push(source);
    source.publication = channel.change(() => {
      const publication = how(source, BEGIN);
      source.publication = publication;
      return publication;
    });
  }
}

const BEGIN = { key: 'key', grant: { streamId: 'id' }, admitsKey: (key: string) => key === 'key' };

const deed: fc.Arbitrary<Deed> = fc.record({
  channel: fc.constantFrom(...CHANNELS),
  what: fc.constantFrom(...DEEDS),
  choice: fc.nat({ max: 1_000 }),
});

test('whatever listeners do when they are told something, they find channels as they will stay', () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 40 }), fc.array(deed, { maxLength: 60 }), (deeds, reactions) => {
      const world = new World([...reactions]);
      for (const each of deeds) {
        world.perform(each);
        world.checkAtRest();
        expect(world.faults).toEqual([]);
      }
    }),
    { numRuns: 1_000 },
  );
});
