import { must } from '../engine/target';

export interface Box {
  readonly type: string;
  readonly body: Buffer;
}

export interface TrackRun {
  readonly track: number;
  /** Decode times of the first and the last sample. */
  readonly firstTime: number;
  readonly lastTime: number;
  /** Of all samples (bytes). */
  readonly size: number;
}

const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'minf', 'dinf', 'stbl', 'mvex', 'moof', 'traf']);

/** Reads boxes (ISO/IEC 14496-12 section 4.2) that fill the bytes exactly, and those within them. */
export function readBoxes(bytes: Buffer): Box[] {
  const boxes: Box[] = [];
  for (let at = 0; at < bytes.length;) {
    must(at + 8 <= bytes.length, 'a box that is cut short');
    const size = bytes.readUInt32BE(at);
    must(size >= 8 && at + size <= bytes.length, 'a box that does not fit into what holds it');
    const type = bytes.toString('latin1', at + 4, at + 8);
    const body = bytes.subarray(at + 8, at + size);
    if (CONTAINERS.has(type)) readBoxes(body);
    boxes.push({ type, body });
    at += size;
  }
  return boxes;
}

/** Reads a fragment of one `moof` and one `mdat` box (sections 8.8.4 to 8.8.8). */
export function samplesIn(fragment: Buffer): { sequenceNumber: number; runs: TrackRun[] } {
  const [moof, mdat, ...more] = readBoxes(fragment);
  must(moof?.type === 'moof' && mdat?.type === 'mdat' && more.length === 0, 'a fragment of other boxes');
  const parts = readBoxes(moof.body);
  const header = parts.find(({ type }) => type === 'mfhd');
  must(header?.body.length === 8, 'a fragment without a header');
  const dataAt = moof.body.length + 8 + 8;
  const runs = parts.filter(({ type }) => type === 'traf').map(({ body }) => runIn(body, dataAt, fragment.length));
  must(runs.reduce((sum, { size }) => sum + size, 0) === mdat.body.length, 'data that belongs to no sample');
  return { sequenceNumber: header.body.readUInt32BE(4), runs };
}

function runIn(traf: Buffer, dataAt: number, end: number): TrackRun {
  const boxes = readBoxes(traf);
  const [tfhd, tfdt, trun] = ['tfhd', 'tfdt', 'trun'].map((name) => boxes.find(({ type }) => type === name)?.body);
  must(tfhd !== undefined && tfdt !== undefined && trun !== undefined, 'a track without its run');
  const firstTime = tfdt[0] === 1 ? Number(tfdt.readBigUInt64BE(4)) : tfdt.readUInt32BE(4);
  const flags = trun.readUIntBE(1, 3);
  const count = trun.readUInt32BE(4);
  must((flags & 1) === 1 && (flags & 0x300) === 0x300, 'a run without offset, durations or sizes');
  const offset = trun.readInt32BE(8);
  must(offset >= dataAt && offset <= end, 'a run whose data is somewhere else');
  let at = 12 + ((flags & 4) === 0 ? 0 : 4);
  let time = firstTime;
  let lastTime = firstTime;
  let size = 0;
  for (let i = 0; i < count; i += 1) {
    lastTime = time;
    time += trun.readUInt32BE(at);
    size += trun.readUInt32BE(at + 4);
    at += 8 + ((flags & 0x400) === 0 ? 0 : 4) + ((flags & 0x800) === 0 ? 0 : 4);
  }
  must(at === trun.length, 'a run of another length than its samples');
  must(offset + size <= end, 'samples reach behind the end of their fragment');
  return { track: tfhd.readUInt32BE(4), firstTime, lastTime, size };
}
