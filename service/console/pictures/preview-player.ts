export interface PreviewOptions {
  readonly element: HTMLVideoElement;
  /** Of the live FLV. */
  readonly address: string;
  readonly hasVideo: boolean;
  readonly hasAudio: boolean;
  /** What to tell the user; empty: all is well. */
  readonly onMessage: (message: string) => void;
}

export interface PreviewPlayer {
  close(): void;
}

/** Plays a live FLV in the page. The player's code is loaded only now: it is larger than the rest of the console. */
export async function openPlayer({ element, onMessage, ...source }: PreviewOptions): Promise<PreviewPlayer> {
  const { default: mpegts } = await import('mpegts.js');
  if (!mpegts.isSupported()) throw new Error('This browser cannot play live FLV.');
  mpegts.LoggingControl.enableAll = false;
  const { address, hasVideo, hasAudio } = source;
  const player = mpegts.createPlayer(
    { type: 'flv', isLive: true, url: address, hasVideo, hasAudio },
    { enableWorker: false, enableStashBuffer: false, liveBufferLatencyChasing: true, lazyLoad: false },
  );
  player.on(mpegts.Events.ERROR, (kind: string, detail: string, more?: { readonly msg?: string }) => {
    onMessage(`The preview stopped: ${more?.msg ?? `${kind}, ${detail}`}`);
  });
  player.on(mpegts.Events.LOADING_COMPLETE, () => onMessage('The stream has ended.'));
  element.onplaying = () => onMessage('');
  player.attachMediaElement(element);
  player.load();
  void Promise.resolve(player.play()).catch(() => undefined); // the user can press play
  return {
    close() {
      element.onplaying = null;
      player.destroy();
    },
  };
}
