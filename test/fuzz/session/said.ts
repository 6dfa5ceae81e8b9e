/** An audio, video or data message of a publisher. */
export interface Frame {
  readonly kind: 'key' | 'inter' | 'audio' | 'audioHeader' | 'videoHeader' | 'metadata' | 'cue';
  readonly type: number;
  readonly timestamp: number;
  /** As players get it: without `@setDataFrame`. */
  readonly payload: Buffer;
  /** Its chunks took turns with another message's. */
  readonly loose: boolean;
  /** In words. */
  readonly label: string;
}

/** One complete message of a client, as the model understands it. */
export type Said =
  | { readonly kind: 'handshake' }
  | { readonly kind: 'connect'; readonly transactionId: number; readonly channel: string | undefined }
  | { readonly kind: 'publish'; readonly streamId: number; readonly key: string; readonly serial: number }
  | { readonly kind: 'play'; readonly streamId: number; readonly key: string; readonly cache: string }
  | { readonly kind: 'deleteStream' | 'closeStream'; readonly streamId: number | undefined }
  | { readonly kind: 'pause' | 'receiveAudio' | 'receiveVideo'; readonly streamId: number; readonly on: boolean }
  | { readonly kind: 'call'; readonly name: string; readonly transactionId: number }
  | { readonly kind: 'frame'; readonly streamId: number; readonly frame: Frame }
  | { readonly kind: 'ping'; readonly value: number }
  /** Needs no answer and changes nothing. */
  | { readonly kind: 'nothing' };
