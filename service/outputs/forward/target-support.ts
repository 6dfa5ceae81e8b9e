import type { AmfObject, AmfValue } from '../../protocol/amf/amf-value';

/** Bits of `capsEx` (Enhanced RTMP v2, "Enhancing NetConnection connect Command"). */
const CapsEx = { Multitrack: 2, ModEx: 4 } as const;
/** Bits of a codec's entry in `videoFourCcInfoMap` and `audioFourCcInfoMap`: the target decodes or forwards it. */
const CAN_TAKE = 1 | 4;

/**
 * What a target takes of Enhanced RTMP, as far as it says so in its answer to `connect`. Many servers say nothing there
 * and take HEVC, AV1 and Opus all the same: MediaMTX, SRS and ZLMediaKit do.
 */
export class TargetSupport {
  readonly multitrack: boolean;
  readonly modEx: boolean;
  /** Codecs in the answer; undefined: the answer has no list of them. */
  readonly #video: ReadonlySet<string> | undefined;
  readonly #audio: ReadonlySet<string> | undefined;

  /** @param objects the objects of the answer: servers use either of them */
  constructor(...objects: readonly (AmfObject | undefined)[]) {
    let capsEx = 0;
    for (const object of objects) {
      const caps = object?.get('capsEx');
      if (typeof caps === 'number') capsEx |= caps;
    }
    this.multitrack = (capsEx & CapsEx.Multitrack) !== 0;
    this.modEx = (capsEx & CapsEx.ModEx) !== 0;
    const lists = objects.map((object) => listOf(object?.get('fourCcList')));
    const maps = (name: string) => objects.map((object) => takenOf(object?.get(name)));
    this.#video = together([...lists, ...maps('videoFourCcInfoMap')]);
    this.#audio = together([...lists, ...maps('audioFourCcInfoMap')]);
  }

  /** Whether the target says that it takes messages with this FourCC. */
  announces(fourCc: string, video: boolean): boolean {
    const said = video ? this.#video : this.#audio;
    return said !== undefined && (said.has(fourCc) || said.has('*'));
  }

  /** Whether the target says which codecs it takes, and this one is not among them. */
  refuses(fourCc: string, video: boolean): boolean {
    return (video ? this.#video : this.#audio) !== undefined && !this.announces(fourCc, video);
  }
}

function together(lists: readonly (readonly string[] | undefined)[]): ReadonlySet<string> | undefined {
  const there = lists.filter((list) => list !== undefined);
  return there.length === 0 ? undefined : new Set(there.flat());
}

function listOf(value: AmfValue): string[] | undefined {
  const items = Array.isArray(value) ? value : value instanceof Map ? [...value.values()] : undefined;
  return items?.filter((item): item is string => typeof item === 'string');
}

function takenOf(value: AmfValue): string[] | undefined {
  if (!(value instanceof Map)) return undefined;
  return [...value].flatMap(([fourCc, bits]) => (typeof bits === 'number' && (bits & CAN_TAKE) === 0 ? [] : [fourCc]));
}
