#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
