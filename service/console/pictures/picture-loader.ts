import type { ApiClient } from '../data/api-client';
import { decodePicture } from './decode-picture';
import { pictureOfFlv } from './flv-picture';

/** Keyframes are fetched and decoded one or two at a time, so that many rows do not hold up the page. */
const AT_ONCE = 2;

/** A picture that can be seen is replaced after so long. */
const REFRESH_MS = 10_000;

/** Pictures kept of streams that cannot be seen now. */
const KEPT = 400;

export interface PictureViewer {
  readonly channel: string;
  /** Wanted width in pixels. */
  readonly width: number;
  show(picture: ImageBitmap): void;
}

/** The last keyframe of each stream that can be seen, as a picture. */
export class PictureLoader {
  readonly #api: ApiClient;
  readonly #viewers = new Set<PictureViewer>();
  readonly #waiting: PictureViewer[] = [];
  readonly #pictures = new Map<string, ImageBitmap>();
  #running = 0;

  constructor(api: ApiClient) {
    this.#api = api;
  }

  /** Shows the stream's picture now and whenever there is a newer one, until the returned function is called. */
  watch(viewer: PictureViewer): () => void {
    this.#viewers.add(viewer);
    const known = this.#pictures.get(keyOf(viewer));
    if (known !== undefined) viewer.show(known);
    this.#want(viewer);
    const again = setInterval(() => {
      if (!document.hidden) this.#want(viewer);
    }, REFRESH_MS);
    return () => {
      clearInterval(again);
      this.#viewers.delete(viewer);
    };
  }

  #want(viewer: PictureViewer): void {
    if (!this.#waiting.includes(viewer)) this.#waiting.push(viewer);
    while (this.#running < AT_ONCE && this.#waiting.length > 0) void this.#work();
  }

  async #work(): Promise<void> {
    this.#running += 1;
    for (let viewer = this.#waiting.shift(); viewer !== undefined; viewer = this.#waiting.shift()) {
      if (this.#viewers.has(viewer)) await this.#load(viewer);
    }
    this.#running -= 1;
  }

  async #load(viewer: PictureViewer): Promise<void> {
    try {
      const file = await this.#api.bytes(`streams/${encodeURIComponent(viewer.channel)}/keyframe`);
      const coded = pictureOfFlv(file);
      const picture = coded && (await decodePicture(coded, viewer.width));
      if (picture === undefined) return;
      this.#keep(keyOf(viewer), picture);
      if (this.#viewers.has(viewer)) viewer.show(picture);
    } catch {
      // No keyframe yet, or the stream has ended.
    }
  }

  #keep(key: string, picture: ImageBitmap): void {
    this.#pictures.get(key)?.close();
    this.#pictures.delete(key);
    this.#pictures.set(key, picture);
    const [oldest] = this.#pictures.keys();
    if (this.#pictures.size <= KEPT || oldest === undefined) return;
    this.#pictures.get(oldest)?.close();
    this.#pictures.delete(oldest);
  }
}

function keyOf({ channel, width }: PictureViewer): string {
  return `${width} ${channel}`;
}
