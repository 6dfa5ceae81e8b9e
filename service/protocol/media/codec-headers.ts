/** What a video codec's sequence header says; undefined fields are not in it. */
export interface VideoHeader {
  /** As the codec's specification names it, such as `High 4:4:4 Predictive`. */
  readonly profile: string;
  /** Pixels of the picture, without what is cropped. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  /** Width of a pixel divided by its height. */
  readonly pixelAspect: number;
  readonly isInterlaced: boolean;
  /** 0: none, 1: 4:2:0, 2: 4:2:2, 3: 4:4:4. */
  readonly chroma: number;
  /** Bits per sample. */
  readonly bitDepth: number;
}

/** What an audio codec's sequence header says. */
export interface AudioHeader {
  /** Such as `AAC-LC`. */
  readonly profile: string;
  /** Hz, as it is played. */
  readonly sampleRate: number;
  /** Hz: AAC with SBR codes half of the rate that it plays. */
  readonly codedRate: number;
  /** undefined: described in a way that is not read. */
  readonly channels: number | undefined;
}
