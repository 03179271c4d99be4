/* utf8.h - well-formed UTF-8 (RFC 3629; Unicode table 3-7). Thread: any; pure. */
#ifndef GW_UTF8_H
#define GW_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes (1-4) of the character at p, of which n bytes are there; 0 if it is not well formed, is cut
 * off, or n is 0. Overlong forms, surrogates and code points past U+10FFFF are not well formed. */
size_t gw_utf8_length(const char *p, size_t n);

/* Code point of a character whose length gw_utf8_length gave. */
uint32_t gw_utf8_code_point(const char *p, size_t length);

#endif
