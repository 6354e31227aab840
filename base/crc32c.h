/* crc32c: the Castagnoli CRC (RFC 3720 appendix B.4); check value of "123456789" is e3069283. */
#pragma once

#include "base/view.h"

#include <stdint.h>

/* Start with crc 0; may be called piece by piece. Uses SSE4.2 where the machine has it. */
uint32_t crc32c(uint32_t crc, struct view bytes);
/* The same by table on any machine; here so that a test can hold the two against each other. */
uint32_t crc32c_table(uint32_t crc, struct view bytes);
