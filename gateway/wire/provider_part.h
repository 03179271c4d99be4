/* provider_part.h - what the provider*.c files share. Inside of provider.h. */
#ifndef WIRE_PROVIDER_PART_H
#define WIRE_PROVIDER_PART_H

#include "gateway/wire/provider.h"

/* "https://host:8443/path?query": port and path may be empty. host keeps the brackets of IPv6. */
typedef struct {
    gw_str scheme, host, port, path, query;
} provider_url;
/* False when it is none, has user information, a fragment, or bytes that do not belong in a URL. */
bool provider_url_parse(gw_str url, provider_url *ret);
/* The Host header: with the port unless it is the scheme's own. */
gw_code provider_url_host(const provider_url *u, gw_buf *out);

/* Every byte but the unreserved of RFC 3986 §2.3 as %XX. */
gw_code provider_put_escaped(gw_buf *out, gw_str s);

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
