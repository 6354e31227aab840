#include "base/crc32c.h"

/* Four bits at a time: 16 words are quick to check by eye, and machines without the instruction
 * still do some 200 MB/s, more than their disks. */
static const uint32_t nibbles[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc,
    0x5125dad3, 0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4,
    0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

uint32_t
crc32c_table(uint32_t crc, struct view bytes)
{
    crc = ~crc;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (unsigned char)bytes.ptr[i];
        crc = crc >> 4 ^ nibbles[crc & 15];
        crc = crc >> 4 ^ nibbles[crc & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t
crc32c_sse(uint32_t crc, struct view bytes)
{
    const char *at = bytes.ptr;
    size_t left = bytes.len;
    uint64_t sum = ~crc;

    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word;

        memcpy(&word, at, sizeof(word));
        sum = __builtin_ia32_crc32di(sum, word);
    }
    uint32_t low = (uint32_t)sum;

    for (; left > 0; at++, left--)
        low = __builtin_ia32_crc32qi(low, (unsigned char)*at);
    return ~low;
}

uint32_t
crc32c(uint32_t crc, struct view bytes)
{
    return __builtin_cpu_supports("sse4.2") ? crc32c_sse(crc, bytes) : crc32c_table(crc, bytes);
}

#else

uint32_t
crc32c(uint32_t crc, struct view bytes)
{
    return crc32c_table(crc, bytes);
}

#endif
