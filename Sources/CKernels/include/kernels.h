#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// The index of the first such byte, or `count` where there is none: the C library's own search.
static inline size_t first_byte(uint8_t byte, const void *bytes, size_t count) {
  const void *found = count ? memchr(bytes, byte, count) : NULL;
  return found ? (size_t)((const uint8_t *)found - (const uint8_t *)bytes) : count;
}

// CRC-32C (Castagnoli, RFC 3720 appendix B.4). A state is the register without the final
// complement: begin with 0xFFFFFFFF, complement the last state to get the checksum.

// The kernels; each gives the same answer.
enum checksum_crc32c_kernel {
  CHECKSUM_CRC32C_TABLE = 0,  // any processor: eight tables, eight bytes a step
  CHECKSUM_CRC32C_SSE42 = 1,  // x86-64 with SSE4.2 and PCLMULQDQ
  CHECKSUM_CRC32C_ARMV8 = 2,  // AArch64 with the CRC32 extension
};

// The state after `count` more bytes, by the fastest kernel that the processor has.
uint32_t checksum_crc32c_update(uint32_t state, const void *bytes, size_t count);

// Whether the processor can run `kernel`.
bool checksum_crc32c_has(uint32_t kernel);

// As checksum_crc32c_update, by a kernel that the processor has.
uint32_t checksum_crc32c_update_with(
    uint32_t kernel, uint32_t state, const void *bytes, size_t count);

// The marks of a text: the places of the bytes that don't stand for themselves in a JSON string,
// which are `"`, `\`, the controls below 0x20, and all from 0x80 on.

// The kernels; each gives the same answer.
enum text_marks_kernel {
  TEXT_MARKS_PLAIN = 0,   // any processor: one byte a step
  TEXT_MARKS_AVX2 = 1,    // x86-64 with AVX2 and BMI: 64 bytes a step
  TEXT_MARKS_AVX512 = 2,  // x86-64 with AVX-512 BW and VBMI2: 64 bytes a step
  TEXT_MARKS_NEON = 3,    // AArch64: 64 bytes a step
};

// How many places beyond the count of the bytes a kernel may write to.
#define TEXT_MARKS_SLACK 64

// Writes the places of the marks in `bytes` to `places`, ascending, and returns how many there are,
// by the fastest kernel that the processor has. `count` is below 2^32; `places` has room for
// `count` + TEXT_MARKS_SLACK, and what stands behind the last mark is unspecified.
size_t text_marks(const void *bytes, size_t count, uint32_t *places);

// Whether the processor can run `kernel`.
bool text_marks_has(uint32_t kernel);

// As text_marks, by a kernel that the processor has.
size_t text_marks_with(uint32_t kernel, const void *bytes, size_t count, uint32_t *places);

// SHA-256 (FIPS 180-4) of many messages at once: each is a byte that all share, and a part of
// `bytes` behind it.

struct sha256_part {
  uint32_t start;
  uint32_t count;  // below 2^28
};

// The kernels; each gives the same answer. Where the processor has none, a library's is the best.
enum sha256_many_kernel {
  SHA256_MANY_AVX512 = 0,  // x86-64 with AVX-512 BW and VL, and BMI2: sixteen messages at a time
};

// Whether the processor can run `kernel`.
bool sha256_many_has(uint32_t kernel);

// Writes the 32 bytes of each message's digest to `digests`, by a kernel that the processor has.
void sha256_many_with(
    uint32_t kernel, uint8_t prefix, const void *bytes, const struct sha256_part *parts,
    size_t count, void *digests);
