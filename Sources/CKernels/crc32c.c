#include "kernels.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#if defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif
#endif

typedef uint32_t (*crc32c_kernel)(uint32_t state, const uint8_t *bytes, size_t count);

static uint64_t load64(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

// Slicing by eight: row k holds the state after a byte and k zero bytes.

static uint32_t crc32c_rows[8][256];

static void fill_crc32c_rows(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t state = byte;
    for (int bit = 0; bit < 8; bit++) state = state >> 1 ^ (state & 1 ? 0x82F63B78u : 0);
    crc32c_rows[0][byte] = state;
  }
  for (int row = 1; row < 8; row++) {
    for (int byte = 0; byte < 256; byte++) {
      uint32_t before = crc32c_rows[row - 1][byte];
      crc32c_rows[row][byte] = before >> 8 ^ crc32c_rows[0][before & 0xFF];
    }
  }
}

static uint32_t crc32c_by_table(uint32_t state, const uint8_t *bytes, size_t count) {
  for (; count >= 8; bytes += 8, count -= 8) {
    // Composed byte by byte, so that a big-endian machine computes the same; compilers make it a load.
    uint32_t low = state ^ ((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
                            (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24);
    state = crc32c_rows[7][low & 0xFF] ^ crc32c_rows[6][low >> 8 & 0xFF] ^
            crc32c_rows[5][low >> 16 & 0xFF] ^ crc32c_rows[4][low >> 24] ^
            crc32c_rows[3][bytes[4]] ^ crc32c_rows[2][bytes[5]] ^
            crc32c_rows[1][bytes[6]] ^ crc32c_rows[0][bytes[7]];
  }
  for (; count > 0; bytes++, count--) state = state >> 8 ^ crc32c_rows[0][(state ^ *bytes) & 0xFF];
  return state;
}

#if defined(__x86_64__)

// The instruction takes one word a cycle but answers after three, so long input runs as three
// streams of `LANE` bytes. The state of a stream is moved behind the bytes that follow it by a
// carry-less product with x^(8 * bytes - 33) mod P (bit-reflected), which a last CRC step reduces.
enum { LANE = 256 };
#define PAST_ONE_LANE 0xb9e02b86u
#define PAST_TWO_LANES 0xdd7e3b0cu

__attribute__((target("sse4.2,pclmul"))) static uint64_t crc32c_shifted(
    uint64_t state, uint64_t factor) {
  __m128i product =
      _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)state), _mm_cvtsi64_si128((long long)factor), 0);
  return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t crc32c_by_sse42(
    uint32_t start, const uint8_t *bytes, size_t count) {
  uint64_t state = start;
  for (; count >= 3 * LANE; bytes += 3 * LANE, count -= 3 * LANE) {
    uint64_t second = 0, third = 0;
    for (size_t at = 0; at < LANE; at += 8) {
      state = _mm_crc32_u64(state, load64(bytes + at));
      second = _mm_crc32_u64(second, load64(bytes + LANE + at));
      third = _mm_crc32_u64(third, load64(bytes + 2 * LANE + at));
    }
    state = crc32c_shifted(state, PAST_TWO_LANES) ^ crc32c_shifted(second, PAST_ONE_LANE) ^ third;
  }
  for (; count >= 8; bytes += 8, count -= 8) state = _mm_crc32_u64(state, load64(bytes));
  for (; count > 0; bytes++, count--) state = _mm_crc32_u8((uint32_t)state, *bytes);
  return (uint32_t)state;
}

static bool has_sse42(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

#elif defined(__aarch64__)

__attribute__((target("crc"))) static uint32_t crc32c_by_armv8(
    uint32_t state, const uint8_t *bytes, size_t count) {
  for (; count >= 8; bytes += 8, count -= 8) state = __crc32cd(state, load64(bytes));
  for (; count > 0; bytes++, count--) state = __crc32cb(state, *bytes);
  return state;
}

static bool has_armv8_crc(void) {
#if defined(__APPLE__)
  return true;  // every Apple processor of this architecture that runs macOS
#elif defined(__linux__)
  return getauxval(AT_HWCAP) & HWCAP_CRC32;
#else
  return false;
#endif
}

#endif

// Chosen before `main`, so that no call needs a lock or a check.

static crc32c_kernel kernels[3];
static crc32c_kernel fastest;

__attribute__((constructor)) static void choose_crc32c_kernel(void) {
  fill_crc32c_rows();
  fastest = kernels[CHECKSUM_CRC32C_TABLE] = crc32c_by_table;
#if defined(__x86_64__)
  if (has_sse42()) fastest = kernels[CHECKSUM_CRC32C_SSE42] = crc32c_by_sse42;
#elif defined(__aarch64__)
  if (has_armv8_crc()) fastest = kernels[CHECKSUM_CRC32C_ARMV8] = crc32c_by_armv8;
#endif
}

uint32_t checksum_crc32c_update(uint32_t state, const void *bytes, size_t count) {
  return fastest(state, bytes, count);
}

bool checksum_crc32c_has(uint32_t kernel) {
  return kernel < sizeof kernels / sizeof kernels[0] && kernels[kernel];
}

uint32_t checksum_crc32c_update_with(
    uint32_t kernel, uint32_t state, const void *bytes, size_t count) {
  return kernels[kernel](state, bytes, count);
}
