/**
 * CRC-32C without the bytes: what a change near the front of a message does to its CRC depends on the
 * change and on the number of bytes behind it, not on those bytes. A CRC is a remainder modulo the
 * polynomial P over GF(2), and n zero bytes behind a message multiply it by x^(8n) (Mark Adler's
 * `crc32_combine` in zlib). For messages of one length that differ in one range only:
 *
 *     crc(after) = crc(before) ^ crc32cShift(crc(range before) ^ crc(range after), bytes behind it)
 */
const polynomial = 0x82f63b78
/** x^0 in the reflected form: the highest bit is the lowest power. */
const one = 0x80000000

/** The product of two remainders, modulo P. */
function multiply(a: number, b: number): number {
  let product = 0
  for (let rest = a, power = b; rest !== 0; rest <<= 1) {
    if (rest & one) product ^= power
    power = power & 1 ? (power >>> 1) ^ polynomial : power >>> 1
  }
  return product
}

/** x^(8 * 2^k) at k: what 2^k zero bytes multiply by. */
const zeroBytes = new Int32Array(31)
zeroBytes[0] = one >>> 8
for (let k = 1; k < zeroBytes.length; k++) {
  const before = zeroBytes[k - 1] ?? 0
  zeroBytes[k] = multiply(before, before)
}

/**
 * What the difference (XOR) of two CRC-32C has become behind `count` more bytes that are the same in
 * both messages. At most one product of 32 steps for each bit of `count`; nothing is allocated.
 *
 * @param difference a 32-bit number, signed or not
 * @param count below 2^31
 * @returns unsigned
 */
export function crc32cShift(difference: number, count: number): number {
  let shifted = difference | 0
  for (let k = 0, rest = count; rest !== 0; rest >>>= 1, k++) {
    // The index is in range by construction: the zero is for the types alone.
    if (rest & 1) shifted = multiply(zeroBytes[k] ?? 0, shifted)
  }
  return shifted >>> 0
}
