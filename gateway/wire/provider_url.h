/* provider_url.h - URLs as providers' files write them (RFC 3986, absolute http and https).
 *
 * Pure; any thread. Parts borrow the text. */
#ifndef WIRE_PROVIDER_URL_H
#define WIRE_PROVIDER_URL_H

#include "gateway/base/buf.h"

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

#endif
