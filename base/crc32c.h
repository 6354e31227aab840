/* crc32c: the Castagnoli CRC (RFC 3720 appendix B.4); check value of "123456789" is e3069283. */
#pragma once

#include "base/view.h"

#include <stdint.h>

/* Start with crc 0; may be called piece by piece. Uses SSE4.2 where the machine has it. */
uint32_t crc32c(uint32_t crc, struct view bytes);
