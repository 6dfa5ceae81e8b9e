import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { type GapFact, GapNews } from '../../../service/outputs/gap-news';

let told: string[];
let news: GapNews;

beforeEach(() => {
  jest.useFakeTimers();
  told = [];
  news = new GapNews(({ output, missingMs }) => void told.push(`${output} ${missingMs}`));
});

afterEach(() => {
  jest.useRealTimers();
});

function gap(output: string, missingMs: number): GapFact {
  return { type: 'output.gap', channel: 'news', streamId: '', output, kind: 'hls', missingMs };
}

test('the first gap of each output is told at once', () => {
  news.tell(gap('hls', 5));
  news.tell(gap('forward-1', 7));
  expect(told).toEqual(['hls 5', 'forward-1 7']);
});

test('of a flood there is one event each ten seconds, which has all that is missing', () => {
  for (let index = 0; index < 250; index += 1) {
    news.tell(gap('hls', 2));
    jest.advanceTimersByTime(100);
  }
  expect(told).toEqual(['hls 2', 'hls 198', 'hls 200']);
  jest.advanceTimersByTime(60_000);
  expect(told).toEqual(['hls 2', 'hls 198', 'hls 200', 'hls 100']);
  news.tell(gap('hls', 3));
  expect(told.at(-1)).toBe('hls 3');
});

test('at the end of the stream nothing is left', () => {
  news.tell(gap('hls', 2));
  news.tell(gap('hls', 3));
  news.end();
  jest.advanceTimersByTime(60_000);
  expect(told).toEqual(['hls 2', 'hls 3']);
});
