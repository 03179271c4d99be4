/* provider_part.h - what the provider*.c files share. Inside of provider.h. */
#ifndef WIRE_PROVIDER_PART_H
#define WIRE_PROVIDER_PART_H

#include "gateway/wire/provider.h"
#include "gateway/wire/provider_url.h"

/* The next {name} at or behind *at; *at moves behind it. A brace that begins none is text. */
bool provider_next_placeholder(gw_str text, size_t *at, gw_str *ret_name);
bool provider_placeholder_known(const provider *p, gw_str name);

/* base64 of the v1 signature of Standard Webhooks appended; GW_EINVAL the key is none. */
gw_code provider_standard_mac(gw_str key, gw_str id, gw_str timestamp, gw_str body, gw_buf *out);

/* Percent-escapes and plus signs of a form decoded into the arena; p NULL without memory. */
gw_str provider_unescape(gw_str s, gw_arena *arena);

/* The text of a JSON scalar: a string's value, else as written ("true", "7"); empty for others. */
gw_str provider_scalar(const json_doc *d, uint32_t node);
/* The state that `states` of section gives to word; false when the word is not there. */
bool provider_state_of(const provider *p, uint32_t section, gw_str word, wire_receipt_state *ret);

#endif
