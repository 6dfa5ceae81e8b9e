/** The same player without subtitles, other audio tracks and protected media; it comes without types. */
declare module 'hls.js/light' {
  export { default } from 'hls.js';
}
