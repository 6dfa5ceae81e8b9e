import type { AudioHeader, VideoHeader } from '../../service/protocol/media/codec-headers';

/**
 * Configuration records of encoders. Those without another source were made with ffmpeg 5.1 from its testsrc2 and sine
 * sources, and what they say was compared with ffprobe. Records of H.265 end behind the sequence parameter set.
 */
export const videoRecords: readonly { name: string; codec: string; hex: string; header: VideoHeader }[] = [
  {
    name: 'x264, High',
    codec: 'avc1',
    hex: '0164001fffe1001a6764001facd9405005bb011000000300100000030320f183196001000668ebe3cb22c0fdf8f800',
    header: { profile: 'High', width: 1280, height: 720, pixelAspect: 1, isInterlaced: false, chroma: 1, bitDepth: 8 },
  },
  {
    name: 'x264 -preset ultrafast, 29.97 frames a second',
    codec: 'avc1',
    hex: '0142c028ffe100176742c028da01e0089f97011000003e90000ea600f1832a01000468ce0fc8',
    header: {
      profile: 'Constrained Baseline',
      width: 1920,
      height: 1080,
      pixelAspect: 1,
      isInterlaced: false,
      chroma: 1,
      bitDepth: 8,
    },
  },
  {
    name: 'x264 -profile baseline, cropped',
    codec: 'avc1',
    hex: '0142c015ffe100176742c015d901b1fefc0440000003004000000783c58b9201000568cb83cb20',
    header: {
      profile: 'Constrained Baseline',
      width: 428,
      height: 240,
      pixelAspect: 1,
      isInterlaced: false,
      chroma: 1,
      bitDepth: 8,
    },
  },
  {
    name: 'x264 -profile main, interlaced, 16:9 on 720x576',
    codec: 'avc1',
    hex: '014d401effe1001c674d401eeca05a126ffc010000b440000003004000000c87c50a658001000568fba3cb20',
    header: {
      profile: 'Main',
      width: 720,
      height: 576,
      pixelAspect: 64 / 45,
      isInterlaced: true,
      chroma: 1,
      bitDepth: 8,
    },
  },
  {
    name: 'x264 -pix_fmt yuv444p',
    codec: 'avc1',
    hex: '01f4001effe1001b67f4001e919b281405ff138088000003000800000301e078b16cb001000668ebe3c44844fff8f800',
    header: {
      profile: 'High 4:4:4 Predictive',
      width: 640,
      height: 360,
      pixelAspect: 1,
      isInterlaced: false,
      chroma: 3,
      bitDepth: 8,
    },
  },
  {
    name: 'x264 -pix_fmt yuv420p10le',
    codec: 'avc1',
    hex: '016e001effe1001b676e001ea6cd940a02ff970110000003001000000303c0f162d96001000668ebe3cb22c0fdfafa00',
    header: {
      profile: 'High 10',
      width: 640,
      height: 360,
      pixelAspect: 1,
      isInterlaced: false,
      chroma: 1,
      bitDepth: 10,
    },
  },
  {
    name: 'x264 -pix_fmt yuv422p',
    codec: 'avc1',
    hex: '017a001effe1001a677a001ebcd940a02ff89c0440000003004000000f03c58b658001000668ebe3cb22c0fef8f800',
    header: {
      profile: 'High 4:2:2',
      width: 640,
      height: 360,
      pixelAspect: 1,
      isInterlaced: false,
      chroma: 2,
      bitDepth: 8,
    },
  },
  {
    name: 'x264 with cqm=jvt: scaling lists',
    codec: 'avc1',
    hex: '0164001effe1001a6764001eacd940a02ff970110000030001000003003c0f162d9601000768ebe3cb3002c0fdf8f800',
    header: { profile: 'High', width: 640, height: 360, pixelAspect: 1, isInterlaced: false, chroma: 1, bitDepth: 8 },
  },
  {
    name: 'x264 with nal-hrd=cbr, cropped',
    codec: 'avc1',
    hex: '0164001fffe100246764001facd940a02ff9301100000300010000030078e480030d40061ae4d38078c18cb001000568ebecb22cfdf8f800',
    header: { profile: 'High', width: 640, height: 362, pixelAspect: 1, isInterlaced: false, chroma: 1, bitDepth: 8 },
  },
  {
    name: 'x265, cropped from 1088 lines',
    codec: 'hvc1',
    hex: '01016000000090000000000078f000fcfdf8f800000f02200001001840010c01ffff016000000300900000030000030078959409210001002b420101016000000300900000030000030078a003c0801107cb965654a4c2f0168080000003008000000f04',
    header: { profile: 'Main', width: 1920, height: 1080, pixelAspect: 1, isInterlaced: false, chroma: 1, bitDepth: 8 },
  },
  {
    name: 'x265 -pix_fmt yuv420p10le, cropped',
    codec: 'hvc1',
    hex: '0102200000009000000000003cf000fcfdfafa00000f02200001001840010c01ffff02200000030090000003000003003c959809210001002c42010102200000030090000003000003003ca00e08040772365959a4932bc05a020000030002000003003210',
    header: {
      profile: 'Main 10',
      width: 444,
      height: 250,
      pixelAspect: 1,
      isInterlaced: false,
      chroma: 1,
      bitDepth: 10,
    },
  },
  {
    name: 'x265 -pix_fmt yuv422p',
    codec: 'hvc1',
    hex: '0104080000009d08000000003ff000fcfef8f800000f02200001001740010c01ffff0408000003009d0800000300003f95980921000100294201010408000003009d0800000300003fb00502016965959a4932bc05a02000000300200000030321',
    header: {
      profile: 'Range Extensions',
      width: 640,
      height: 360,
      pixelAspect: 1,
      isInterlaced: false,
      chroma: 2,
      bitDepth: 8,
    },
  },
  {
    name: 'SVT-AV1',
    codec: 'av01',
    hex: '81050c000a0b0000002d4cffb3c02f8004',
    header: { profile: 'Main', width: 1280, height: 720, pixelAspect: 1, isInterlaced: false, chroma: 1, bitDepth: 8 },
  },
  {
    name: 'libaom -pix_fmt yuv420p10le',
    codec: 'av01',
    hex: '81004c000a0b000000043cfeccdaf94040',
    header: { profile: 'Main', width: 320, height: 180, pixelAspect: 1, isInterlaced: false, chroma: 1, bitDepth: 10 },
  },
  {
    name: 'libaom -pix_fmt yuv444p',
    codec: 'av01',
    hex: '812000000a0a200000043d06d4daf902',
    header: { profile: 'High', width: 322, height: 182, pixelAspect: 1, isInterlaced: false, chroma: 3, bitDepth: 8 },
  },
  {
    name: 'rav1e, with timing',
    codec: 'av01',
    hex: '811f0c000a0e000000fa627fb38842a204040428',
    header: { profile: 'Main', width: 640, height: 360, pixelAspect: 1, isInterlaced: false, chroma: 1, bitDepth: 8 },
  },
  {
    name: 'libvpx-vp9',
    codec: 'vp09',
    hex: '010000000015820202020000',
    header: {
      profile: 'Profile 0',
      width: undefined,
      height: undefined,
      pixelAspect: 1,
      isInterlaced: false,
      chroma: 1,
      bitDepth: 8,
    },
  },
  {
    name: 'libvpx-vp9 -pix_fmt yuv420p10le',
    codec: 'vp09',
    hex: '010000000215a20202020000',
    header: {
      profile: 'Profile 2',
      width: undefined,
      height: undefined,
      pixelAspect: 1,
      isInterlaced: false,
      chroma: 1,
      bitDepth: 10,
    },
  },
  {
    name: 'libvpx-vp9 -pix_fmt yuv444p',
    codec: 'vp09',
    hex: '010000000115860202020000',
    header: {
      profile: 'Profile 1',
      width: undefined,
      height: undefined,
      pixelAspect: 1,
      isInterlaced: false,
      chroma: 3,
      bitDepth: 8,
    },
  },
  {
    name: "Android's encoder, as published with avcc-parse",
    codec: 'avc1',
    hex: '01640028ffe1001a67640028acd940780227e584000003000400000300c83c60c65801000668ebe3cb22c0',
    header: { profile: 'High', width: 1920, height: 1080, pixelAspect: 1, isInterlaced: false, chroma: 1, bitDepth: 8 },
  },
  {
    name: 'a camera, SPS as published in the tests of mux.js',
    codec: 'avc1',
    hex: '0142c01effe100186742c01ed900b435f9e10000030001000003003c0f162e4800',
    header: {
      profile: 'Constrained Baseline',
      width: 720,
      height: 404,
      pixelAspect: 1,
      isInterlaced: false,
      chroma: 1,
      bitDepth: 8,
    },
  },
  {
    name: 'an Amcrest camera, SPS as published in the tests of ouro',
    codec: 'avc1',
    hex: '0164001fffe100316764001fac34c805005bff016e020202800001f400003a987430004e2a000138a85de5c6860009c5400027150bbcb8500000',
    header: { profile: 'High', width: 1280, height: 720, pixelAspect: 1, isInterlaced: false, chroma: 1, bitDepth: 8 },
  },
  {
    name: 'a camera of 5120 columns, SPS as published in the tests of go2rtc',
    codec: 'hvc1',
    hex: '0101000000000000000000000000000000000000000001210001002f42010101600000030000030000030000030099a000a00801687f8aad3ba24bbffc00040005b02002932e00337f9801',
    header: { profile: 'Main', width: 5120, height: 1440, pixelAspect: 1, isInterlaced: false, chroma: 1, bitDepth: 8 },
  },
  {
    name: 'a camera of 360 lines, SPS as published in the tests of go2rtc',
    codec: 'hvc1',
    hex: '01010000000000000000000000000000000000000000012100010038420101214000000300900000030000030096a00502016967a5b91285cd404080b84000000300400000051449ff78400ea60015f95f080410',
    header: { profile: 'Main', width: 640, height: 360, pixelAspect: 1, isInterlaced: false, chroma: 1, bitDepth: 8 },
  },
];

export const audioConfigs: readonly { name: string; hex: string; header: AudioHeader }[] = [
  {
    name: "ffmpeg's AAC encoder, 48 kHz stereo",
    hex: '119056e500',
    header: { profile: 'AAC-LC', sampleRate: 48000, codedRate: 48000, channels: 2 },
  },
  {
    name: "ffmpeg's AAC encoder, 44.1 kHz mono",
    hex: '120856e500',
    header: { profile: 'AAC-LC', sampleRate: 44100, codedRate: 44100, channels: 1 },
  },
  {
    name: "ffmpeg's AAC encoder, 44.1 kHz, 5.1",
    hex: '123056e500',
    header: { profile: 'AAC-LC', sampleRate: 44100, codedRate: 44100, channels: 6 },
  },
  {
    name: "ffmpeg's AAC encoder, 22.05 kHz stereo",
    hex: '139056e500',
    header: { profile: 'AAC-LC', sampleRate: 22050, codedRate: 22050, channels: 2 },
  },
  {
    name: "ffmpeg's AAC encoder, 48 kHz, 7.1",
    hex: '11b856e500',
    header: { profile: 'AAC-LC', sampleRate: 48000, codedRate: 48000, channels: 8 },
  },
  {
    name: "ffmpeg's AAC encoder, 48 kHz, 4.1: described by a program config element",
    hex: '118004c844002000880d4c61766335392e33372e31303056e500',
    header: { profile: 'AAC-LC', sampleRate: 48000, codedRate: 48000, channels: 5 },
  },
  {
    name: 'HE-AAC, signalled explicitly (ISO/IEC 14496-3 section 1.6.5.1), 48 kHz',
    hex: '2b118800',
    header: { profile: 'HE-AAC', sampleRate: 48000, codedRate: 24000, channels: 2 },
  },
  {
    name: 'HE-AAC, signalled in a compatible way (section 1.6.5.2), 44.1 kHz',
    hex: '139056e5a0',
    header: { profile: 'HE-AAC', sampleRate: 44100, codedRate: 22050, channels: 2 },
  },
  {
    name: 'HE-AAC v2: parametric stereo, 44.1 kHz',
    hex: 'eb8a0800',
    header: { profile: 'HE-AAC v2', sampleRate: 44100, codedRate: 22050, channels: 2 },
  },
  {
    name: 'AAC-LC of a rate that has no index, 44.056 kHz',
    hex: '1780560c10',
    header: { profile: 'AAC-LC', sampleRate: 44056, codedRate: 44056, channels: 2 },
  },
];

/** The first bytes of libvpx's keyframes. */
export const vp9Keyframes: readonly { hex: string; size: string }[] = [
  { hex: '824983420027f016760438241c184a1007807fd9', size: '640x360' },
  { hex: '924983420013f80b3b031c120e0c2c0803b47fd9', size: '640x360' },
  { hex: 'a24983420004fe02d2c0c7048383094200ed7fd9', size: '640x362' },
];

export const opusHead = '4f707573486561640102380180bb0000000000';
export const flacHeader = '664c6143000000221200120000046d0005080ac442f0000033ae36567c6137e8d578c431ed191fd85ff5';
