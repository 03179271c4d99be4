/* crc.h - CRC-32 (IEEE 802.3), to notice damage; no protection against intent. Pure. */
#ifndef TIMING_CRC_H
#define TIMING_CRC_H

#include "gateway/base/buf.h"

uint32_t timing_crc(gw_str bytes);
/* In pieces: begin with UINT32_MAX, invert the last answer. */
uint32_t timing_crc_more(uint32_t crc, const uint8_t *p, size_t n);

#endif
