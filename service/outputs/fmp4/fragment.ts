import { BoxParser, DataStream } from 'mp4box';

/** A frame in a fragment; all times in ticks of its track. */
export interface Sample {
  readonly dts: number;
  /** From decode to presentation time; may be negative. */
  readonly offset: number;
  readonly isKey: boolean;
  readonly data: Buffer;
  duration: number;
}

/** The samples of one track in a fragment; `id` as in the init segment. */
export interface TrackRun {
  readonly id: number;
  readonly samples: readonly Sample[];
}

const DEFAULT_BASE_IS_MOOF = 0x020000;
const DATA_OFFSET = 0x1;
const DURATIONS = 0x100;
const SIZES = 0x200;
const FLAGS = 0x400;
const OFFSETS = 0x800;
/** sample_depends_on 2 (none); and 1 with sample_is_non_sync_sample (ISO/IEC 14496-12 section 8.8.3.1). */
const KEY = 0x02000000;
const NOT_KEY = 0x01010000;
const BOX_HEAD = 8;

/** A `moof` and an `mdat` box with the samples of all tracks, as bytes. */
export function makeFragment(sequenceNumber: number, runs: readonly TrackRun[]): Buffer {
  const moof = new BoxParser.box.moof();
  const mfhd = moof.addBox(new BoxParser.box.mfhd());
  mfhd.sequence_number = sequenceNumber;
  const truns = runs.map(({ id, samples }) => {
    const traf = moof.addBox(new BoxParser.box.traf());
    const tfhd = traf.addBox(new BoxParser.box.tfhd());
    tfhd.flags = DEFAULT_BASE_IS_MOOF;
    tfhd.track_id = id;
    const tfdt = traf.addBox(new BoxParser.box.tfdt());
    tfdt.version = 1;
    tfdt.baseMediaDecodeTime = samples[0]!.dts;
    const trun = traf.addBox(new BoxParser.box.trun());
    // Version 1 has signed composition offsets.
    trun.version = 1;
    trun.flags = DATA_OFFSET | DURATIONS | SIZES | FLAGS | OFFSETS;
    trun.data_offset = 0;
    trun.sample_count = samples.length;
    for (const { duration, data, isKey, offset } of samples) {
      trun.sample_duration.push(duration);
      trun.sample_size.push(data.length);
      trun.sample_flags.push(isKey ? KEY : NOT_KEY);
      trun.sample_composition_time_offset.push(offset);
    }
    return trun;
  });
  const stream = new DataStream();
  moof.write(stream);
  let at = stream.getPosition() + BOX_HEAD;
  const payloads: Buffer[] = [];
  runs.forEach(({ samples }, i) => {
    stream.adjustUint32(truns[i]!.data_offset_position, at);
    for (const { data } of samples) {
      payloads.push(data);
      at += data.length;
    }
  });
  const head = Buffer.from(stream.buffer, 0, stream.getPosition());
  const mdat = Buffer.alloc(BOX_HEAD);
  mdat.writeUInt32BE(at - head.length);
  mdat.write('mdat', 4, 'latin1');
  return Buffer.concat([head, mdat, ...payloads], at);
}
