import type { CallNode } from './cpu-profile';

const WIDTH = 1600;
const ROW_HEIGHT = 18;
const MIN_WIDTH = 0.5;
const CHARACTER_WIDTH = 6.6;
const TITLE_HEIGHT = 30;

interface Box {
  readonly node: CallNode;
  readonly x: number;
  readonly depth: number;
}

/** A call tree as one SVG without scripts: width is time, callers are above callees, the pointer shows the numbers. */
export function flameGraph(root: CallNode, title: string): string {
  const boxes: Box[] = [];
  layOut(root, 0, 0, WIDTH / root.totalMs, boxes);
  const height = TITLE_HEIGHT + (Math.max(0, ...boxes.map(({ depth }) => depth)) + 1) * ROW_HEIGHT;
  const shapes = boxes.map((box) => drawBox(box, root.totalMs)).join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
<text x="8" y="20" font-size="14">${escapeXml(title)}</text>
${shapes}
</svg>
`;
}

function layOut(node: CallNode, x: number, depth: number, pixelsPerMs: number, boxes: Box[]): void {
  if (node.totalMs * pixelsPerMs < MIN_WIDTH) return;
  boxes.push({ node, x, depth });
  let childX = x;
  for (const child of [...node.children.values()].sort((a, b) => b.totalMs - a.totalMs)) {
    layOut(child, childX, depth + 1, pixelsPerMs, boxes);
    childX += child.totalMs * pixelsPerMs;
  }
}

function drawBox({ node, x, depth }: Box, allMs: number): string {
  const width = (node.totalMs / allMs) * WIDTH;
  const y = TITLE_HEIGHT + depth * ROW_HEIGHT;
  const percent = (ms: number): string => `${((ms / allMs) * 100).toFixed(1)} %`;
  const tip = `${node.name} ${node.location}: ${percent(node.totalMs)}, itself ${percent(node.selfMs)}`;
  const label = node.name.slice(0, Math.max(0, Math.floor(width / CHARACTER_WIDTH) - 1));
  const box = `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW_HEIGHT - 1}" fill="${colour(node)}"/>`;
  const text = `<text x="${(x + 3).toFixed(1)}" y="${y + 13}">${escapeXml(label)}</text>`;
  return `<g><title>${escapeXml(tip)}</title>${box}${label === '' ? '' : text}</g>`;
}

/** Warm for JavaScript, grey for V8 and native code; one function always has one colour. */
function colour({ name, location }: CallNode): string {
  if (location === '') return '#c8c8c8';
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.charCodeAt(0)) >>> 0;
  return `hsl(${hash % 50}, 85%, ${60 + (hash % 15)}%)`;
}

function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
