/** The Castagnoli polynomial, bits reversed (RFC 4960, appendix B). */
const POLYNOMIAL = 0x82f63b78;

/** Made when first needed: most nodes are not behind a load balancer. */
let table: Uint32Array | undefined;

/** CRC-32C, which node's zlib does not have (its crc32 is the one of gzip). */
export function crc32c(bytes: Uint8Array): number {
  table ??= makeTable();
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (table[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function makeTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
    return value;
  });
}
