import { expect, jest, test } from '@jest/globals';
import { readTrack } from '../../../../service/outputs/fmp4/track-reader';
import { videoRecords } from '../../../vectors/codec-header-vectors';

const header = (codec: string, hex: string) =>
  readTrack({ isVideo: true, codec, isHeader: true, isKey: true, time: 0, offset: 0, data: Buffer.from(hex, 'hex') });

test('records that encoders send have a name in playlists', () => {
  for (const { codec, hex } of videoRecords) expect(header(codec, hex)?.codec).toMatch(/^[a-z0-9]{4}\.[\w.]+$/);
});

test('a record of a profile that there is not has none, and is not taken', () => {
  expect(header('av01', '81f94c40')).toBeUndefined();
});

test('the muxer says nothing of what is wrong with a record', () => {
  const said = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  header('av01', '81ff4c400a0b');
  header('av01', '81054cff0a0b');
  expect(said).not.toHaveBeenCalled();
  said.mockRestore();
});
