#include "kernels.h"

#include <string.h>

#if defined(__x86_64__)

#include <immintrin.h>

static const uint32_t first_state[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static const uint32_t round_constants[64] __attribute__((aligned(64))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// Sixteen messages at a time, one in each lane of 32 bits. A lane whose message has ended takes the
// next one, so that messages of different lengths keep all lanes at work.

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,bmi2")))

#define SHA256_ROUND(a, b, c, d, e, f, g, h, word, number)                                       \
  {                                                                                              \
    __m512i sum = _mm512_add_epi32(                                                              \
        _mm512_add_epi32(h, _mm512_set1_epi32((int)round_constants[number])), word);             \
    sum = _mm512_add_epi32(sum, _mm512_ternarylogic_epi32(e, f, g, 0xca));                       \
    sum = _mm512_add_epi32(                                                                      \
        sum, _mm512_ternarylogic_epi32(                                                          \
                 _mm512_ror_epi32(e, 6), _mm512_ror_epi32(e, 11), _mm512_ror_epi32(e, 25), 0x96)); \
    d = _mm512_add_epi32(d, sum);                                                                \
    h = _mm512_add_epi32(                                                                        \
        _mm512_add_epi32(sum, _mm512_ternarylogic_epi32(a, b, c, 0xe8)),                         \
        _mm512_ternarylogic_epi32(                                                               \
            _mm512_ror_epi32(a, 2), _mm512_ror_epi32(a, 13), _mm512_ror_epi32(a, 22), 0x96));    \
  }

#define SHA256_WORD(w, t)                                                                        \
  w[(t) & 15] = _mm512_add_epi32(                                                                \
      _mm512_add_epi32(                                                                          \
          w[(t) & 15], _mm512_ternarylogic_epi32(                                                \
                           _mm512_ror_epi32(w[((t) + 1) & 15], 7),                               \
                           _mm512_ror_epi32(w[((t) + 1) & 15], 18),                              \
                           _mm512_srli_epi32(w[((t) + 1) & 15], 3), 0x96)),                      \
      _mm512_add_epi32(                                                                          \
          w[((t) + 9) & 15], _mm512_ternarylogic_epi32(                                          \
                                 _mm512_ror_epi32(w[((t) + 14) & 15], 17),                       \
                                 _mm512_ror_epi32(w[((t) + 14) & 15], 19),                       \
                                 _mm512_srli_epi32(w[((t) + 14) & 15], 10), 0x96)))

// From a message's block in each row to one of its words in each row.
AVX512 static inline void transpose(__m512i w[16]) {
  __m512i t[16];
  for (int i = 0; i < 8; i++) {
    t[2 * i] = _mm512_unpacklo_epi32(w[2 * i], w[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(w[2 * i], w[2 * i + 1]);
  }
  for (int i = 0; i < 4; i++) {
    w[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    w[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    w[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    w[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_i32x4(w[i], w[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(w[i], w[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_i32x4(w[8 + i], w[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_i32x4(w[8 + i], w[12 + i], 0xdd);
  }
  for (int i = 0; i < 4; i++) {
    w[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
    w[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
    w[4 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0x88);
    w[12 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0xdd);
  }
}

AVX512 static inline void compress(__m512i state[8], __m512i w[16]) {
  __m512i a = state[0], b = state[1], c = state[2], d = state[3];
  __m512i e = state[4], f = state[5], g = state[6], h = state[7];
#pragma clang loop unroll(full)
  for (int t = 0; t < 64; t += 8) {
    if (t >= 16) {
      SHA256_WORD(w, t);
      SHA256_WORD(w, t + 1);
      SHA256_WORD(w, t + 2);
      SHA256_WORD(w, t + 3);
      SHA256_WORD(w, t + 4);
      SHA256_WORD(w, t + 5);
      SHA256_WORD(w, t + 6);
      SHA256_WORD(w, t + 7);
    }
    SHA256_ROUND(a, b, c, d, e, f, g, h, w[t & 15], t);
    SHA256_ROUND(h, a, b, c, d, e, f, g, w[(t + 1) & 15], t + 1);
    SHA256_ROUND(g, h, a, b, c, d, e, f, w[(t + 2) & 15], t + 2);
    SHA256_ROUND(f, g, h, a, b, c, d, e, w[(t + 3) & 15], t + 3);
    SHA256_ROUND(e, f, g, h, a, b, c, d, w[(t + 4) & 15], t + 4);
    SHA256_ROUND(d, e, f, g, h, a, b, c, w[(t + 5) & 15], t + 5);
    SHA256_ROUND(c, d, e, f, g, h, a, b, w[(t + 6) & 15], t + 6);
    SHA256_ROUND(b, c, d, e, f, g, h, a, w[(t + 7) & 15], t + 7);
  }
  state[0] = _mm512_add_epi32(state[0], a);
  state[1] = _mm512_add_epi32(state[1], b);
  state[2] = _mm512_add_epi32(state[2], c);
  state[3] = _mm512_add_epi32(state[3], d);
  state[4] = _mm512_add_epi32(state[4], e);
  state[5] = _mm512_add_epi32(state[5], f);
  state[6] = _mm512_add_epi32(state[6], g);
  state[7] = _mm512_add_epi32(state[7], h);
}

// What is left of the message in a lane.
struct lane {
  // The address of its next block. In the first block the prefix stands where the byte before the
  // part would; that byte may lie outside of the buffer, and isn't read.
  uintptr_t next;
  // Its bytes; below 0 where only the block with its length is left, or nothing.
  int64_t left;
  // Which bytes of the next block are read.
  uint64_t read;
  uint32_t bits;
  size_t index;
};

static struct lane begun(const uint8_t *bytes, const struct sha256_part *parts, size_t index) {
  uint32_t count = parts[index].count + 1;
  return (struct lane){
      .next = (uintptr_t)bytes + parts[index].start - 1, .left = count, .read = ~1ull,
      .bits = count * 8, .index = index};
}

AVX512 static void sha256_by_avx512(
    uint8_t prefix, const uint8_t *bytes, const struct sha256_part *parts, size_t count,
    uint8_t *digests) {
  const __m512i reversed = _mm512_broadcast_i32x4(
      _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
  const __m512i begin = _mm512_zextsi128_si512(_mm_cvtsi32_si128(prefix));
  const __m512i end = _mm512_set1_epi8((char)0x80);
  struct lane lanes[16];
  __m512i state[8], words[16];
  uint32_t results[8][16] __attribute__((aligned(64)));
  uint32_t lengths[16] __attribute__((aligned(64)));
  uint32_t busy = 0;
  size_t taken = 0;
  for (int i = 0; i < 8; i++) state[i] = _mm512_set1_epi32((int)first_state[i]);
  for (int l = 0; l < 16; l++) {
    if (taken < count) {
      lanes[l] = begun(bytes, parts, taken++);
      busy |= 1u << l;
    } else {
      lanes[l] = (struct lane){.left = -1};
    }
  }
  while (busy) {
    uint32_t ended = 0;
    for (int l = 0; l < 16; l++) {
      struct lane *lane = &lanes[l];
      int64_t left = lane->left;
      __m512i block = lane->read == ~0ull ? _mm512_setzero_si512() : begin;
      lengths[l] = 0;
      if (left >= 64) {
        block = _mm512_mask_loadu_epi8(block, lane->read, (const void *)lane->next);
        lane->next += 64;
        lane->left = left - 64;
      } else {
        if (left >= 0) {
          uint64_t there = _bzhi_u64(lane->read, (uint32_t)left);
          block = _mm512_mask_loadu_epi8(block, there, (const void *)lane->next);
          block = _mm512_mask_mov_epi8(block, 1ull << left, end);
        }
        if (left < 56) {
          lengths[l] = lane->bits;
          ended |= 1u << l;
        }
        lane->left = -1;
      }
      lane->read = ~0ull;
      words[l] = _mm512_shuffle_epi8(block, reversed);
    }
    transpose(words);
    words[15] = _mm512_or_si512(words[15], _mm512_load_si512(lengths));
    compress(state, words);
    ended &= busy;
    if (!ended) continue;
    for (int i = 0; i < 8; i++) {
      _mm512_store_si512(results[i], state[i]);
      state[i] = _mm512_mask_mov_epi32(
          state[i], (__mmask16)ended, _mm512_set1_epi32((int)first_state[i]));
    }
    for (; ended; ended &= ended - 1) {
      int l = __builtin_ctz(ended);
      uint8_t *digest = digests + 32 * lanes[l].index;
      for (int i = 0; i < 8; i++) {
        uint32_t word = __builtin_bswap32(results[i][l]);
        memcpy(digest + 4 * i, &word, 4);
      }
      if (taken < count) {
        lanes[l] = begun(bytes, parts, taken++);
      } else {
        busy &= ~(1u << l);
      }
    }
  }
}

static bool has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2");
}

#endif

bool sha256_many_has(uint32_t kernel) {
#if defined(__x86_64__)
  return kernel == SHA256_MANY_AVX512 && has_avx512();
#else
  return false;
#endif
}

void sha256_many_with(
    uint32_t kernel, uint8_t prefix, const void *bytes, const struct sha256_part *parts,
    size_t count, void *digests) {
#if defined(__x86_64__)
  if (kernel == SHA256_MANY_AVX512) sha256_by_avx512(prefix, bytes, parts, count, digests);
#endif
}
