#include "kernels.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

typedef size_t (*marks_kernel)(const uint8_t *bytes, size_t count, uint32_t *places);

static size_t marks_by_bytes(const uint8_t *bytes, size_t count, uint32_t *places) {
  size_t found = 0;
  for (size_t at = 0; at < count; at++) {
    // Written whether it is a mark or not, and counted only if so: a branch would guess wrong.
    places[found] = (uint32_t)at;
    uint8_t byte = bytes[at];
    found += byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\';
  }
  return found;
}

#if defined(__x86_64__) || defined(__aarch64__)

// The last block, where it is cut short, as one of 64 bytes that has no other marks.
static const uint8_t *padded(const uint8_t *bytes, size_t count, uint8_t block[64]) {
  memset(block, 'x', 64);
  memcpy(block, bytes, count);
  return block;
}

// Writes the places of the bits that are set in `marks`. Eight are written at once, however many
// there are, because the number is hard to guess; so up to seven are written in vain.
#define PUT_EIGHT(lowest)                                            \
  for (int index = 0; index < 8; index++) {                          \
    *next++ = base + (uint32_t)lowest(marks);                        \
    marks &= marks - 1;                                              \
  }

#endif

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

// Signed, all bytes from 0x80 on are below 0x20 too.
AVX2 static inline uint32_t marks_of_32(__m256i bytes) {
  __m256i quotes = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"'));
  __m256i backslashes = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\'));
  __m256i others = _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), bytes);
  return (uint32_t)_mm256_movemask_epi8(
      _mm256_or_si256(_mm256_or_si256(quotes, backslashes), others));
}

AVX2 static size_t marks_by_avx2(const uint8_t *bytes, size_t count, uint32_t *places) {
  uint8_t last[64];
  size_t found = 0;
  for (size_t at = 0; at < count; at += 64) {
    const uint8_t *block = count - at < 64 ? padded(bytes + at, count - at, last) : bytes + at;
    uint64_t marks = marks_of_32(_mm256_loadu_si256((const __m256i *)block)) |
                     (uint64_t)marks_of_32(_mm256_loadu_si256((const __m256i *)(block + 32))) << 32;
    uint32_t base = (uint32_t)at;
    uint32_t *next = places + found;
    found += (size_t)_mm_popcnt_u64(marks);
    do {
      PUT_EIGHT(_tzcnt_u64)
    } while (marks);
  }
  return found;
}

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi2,popcnt")))

AVX512 static size_t marks_by_avx512(const uint8_t *bytes, size_t count, uint32_t *places) {
  const __m512i quote = _mm512_set1_epi8('"'), backslash = _mm512_set1_epi8('\\');
  const __m512i space = _mm512_set1_epi8(0x20);
  uint8_t numbers[64];
  for (int index = 0; index < 64; index++) numbers[index] = (uint8_t)index;
  const __m512i indices = _mm512_loadu_si512(numbers);
  size_t found = 0;
  for (size_t at = 0; at < count; at += 64) {
    uint64_t there = count - at < 64 ? _bzhi_u64(~0ull, (uint32_t)(count - at)) : ~0ull;
    __m512i block = _mm512_maskz_loadu_epi8(there, bytes + at);
    uint64_t marks = there & (_mm512_cmpeq_epi8_mask(block, quote) |
                              _mm512_cmpeq_epi8_mask(block, backslash) |
                              _mm512_cmplt_epi8_mask(block, space));
    size_t number = (size_t)_mm_popcnt_u64(marks);
    __m512i inBlock = _mm512_maskz_compress_epi8(marks, indices);
    __m512i base = _mm512_set1_epi32((int)at);
    uint32_t *next = places + found;
    found += number;
    _mm512_storeu_si512(
        next, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(inBlock))));
    if (number <= 16) continue;
    _mm512_storeu_si512(
        next + 16,
        _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(inBlock, 1))));
    if (number <= 32) continue;
    _mm512_storeu_si512(
        next + 32,
        _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(inBlock, 2))));
    _mm512_storeu_si512(
        next + 48,
        _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(inBlock, 3))));
  }
  return found;
}

static bool has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("popcnt");
}

static bool has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vbmi2");
}

#elif defined(__aarch64__)

// A byte of ones where a mark is; the bit of its place in each group of eight then stays.
static inline uint8x16_t marks_of_16(const uint8_t *bytes) {
  static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  uint8x16_t block = vld1q_u8(bytes);
  uint8x16_t quotes = vceqq_u8(block, vdupq_n_u8('"'));
  uint8x16_t backslashes = vceqq_u8(block, vdupq_n_u8('\\'));
  uint8x16_t others = vcltq_s8(vreinterpretq_s8_u8(block), vdupq_n_s8(0x20));
  return vandq_u8(vorrq_u8(vorrq_u8(quotes, backslashes), others), vld1q_u8(bits));
}

static inline uint64_t lowest_of(uint64_t marks) {
  return marks ? (uint64_t)__builtin_ctzll(marks) : 64;
}

static size_t marks_by_neon(const uint8_t *bytes, size_t count, uint32_t *places) {
  uint8_t last[64];
  size_t found = 0;
  for (size_t at = 0; at < count; at += 64) {
    const uint8_t *block = count - at < 64 ? padded(bytes + at, count - at, last) : bytes + at;
    // Three additions of neighbours bring each group's eight bits into one byte.
    uint8x16_t sum = vpaddq_u8(
        vpaddq_u8(marks_of_16(block), marks_of_16(block + 16)),
        vpaddq_u8(marks_of_16(block + 32), marks_of_16(block + 48)));
    sum = vpaddq_u8(sum, sum);
    uint64_t marks = vgetq_lane_u64(vreinterpretq_u64_u8(sum), 0);
    uint32_t base = (uint32_t)at;
    uint32_t *next = places + found;
    found += (size_t)__builtin_popcountll(marks);
    do {
      PUT_EIGHT(lowest_of)
    } while (marks);
  }
  return found;
}

#endif

// Chosen before `main`, so that no call needs a lock or a check.

static marks_kernel kernels[4];
static marks_kernel fastest;

__attribute__((constructor)) static void choose_marks_kernel(void) {
  fastest = kernels[TEXT_MARKS_PLAIN] = marks_by_bytes;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (has_avx2()) fastest = kernels[TEXT_MARKS_AVX2] = marks_by_avx2;
  if (has_avx512()) fastest = kernels[TEXT_MARKS_AVX512] = marks_by_avx512;
#elif defined(__aarch64__)
  fastest = kernels[TEXT_MARKS_NEON] = marks_by_neon;
#endif
}

size_t text_marks(const void *bytes, size_t count, uint32_t *places) {
  return fastest(bytes, count, places);
}

bool text_marks_has(uint32_t kernel) {
  return kernel < sizeof kernels / sizeof kernels[0] && kernels[kernel];
}

size_t text_marks_with(uint32_t kernel, const void *bytes, size_t count, uint32_t *places) {
  return kernels[kernel](bytes, count, places);
}
