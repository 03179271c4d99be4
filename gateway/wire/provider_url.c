#include "gateway/wire/provider_url.h"

static bool is_url_byte(char c)
{
    return c > 0x20 && c < 0x7F && !strchr("\"<>\\^`{|}#", c);
}

bool provider_url_parse(gw_str url, provider_url *ret)
{
    provider_url u = {0};
    static const char *const schemes[] = {"https", "http"};
    size_t at = 0;
    for (size_t i = 0; i < url.n; i++)
        if (!is_url_byte(url.p[i]))
            return false;
    for (size_t i = 0; i < GW_COUNT(schemes) && at == 0; i++) {
        size_t n = strlen(schemes[i]);
        if (url.n > n + 3 && memcmp(url.p, schemes[i], n) == 0 &&
            memcmp(url.p + n, "://", 3) == 0) {
            u.scheme = (gw_str){url.p, n};
            at = n + 3;
        }
    }
    if (at == 0)
        return false;
    size_t end = at;
    while (end < url.n && url.p[end] != '/' && url.p[end] != '?')
        end++;
    gw_str authority = {url.p + at, end - at};
    if (authority.n == 0 || memchr(authority.p, '@', authority.n))
        return false;
    size_t host = authority.n;
    if (authority.p[0] == '[') {
        const char *close = memchr(authority.p, ']', authority.n);
        if (!close)
            return false;
        host = (size_t)(close - authority.p) + 1;
    } else {
        const char *colon = memchr(authority.p, ':', authority.n);
        if (colon)
            host = (size_t)(colon - authority.p);
    }
    u.host = (gw_str){authority.p, host};
    if (host < authority.n) {
        u.port = (gw_str){authority.p + host + 1, authority.n - host - 1};
        if (authority.p[host] != ':' || u.port.n == 0 || u.port.n > 5)
            return false;
        for (size_t i = 0; i < u.port.n; i++)
            if (u.port.p[i] < '0' || u.port.p[i] > '9')
                return false;
    }
    const char *question = memchr(url.p + end, '?', url.n - end);
    size_t path_end = question ? (size_t)(question - url.p) : url.n;
    u.path = (gw_str){url.p + end, path_end - end};
    if (question)
        u.query = (gw_str){question + 1, url.n - path_end - 1};
    *ret = u;
    return u.host.n > 0;
}

gw_code provider_url_host(const provider_url *u, gw_buf *out)
{
    gw_buf_put_str(out, u->host);
    bool own = gw_str_is(u->port, gw_str_is(u->scheme, "https") ? "443" : "80");
    if (u->port.n && !own) {
        gw_buf_putc(out, ':');
        gw_buf_put_str(out, u->port);
    }
    return out->code;
}

gw_code provider_put_escaped(gw_buf *out, gw_str s)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) {
            gw_buf_putc(out, (char)c);
        } else {
            char escape[3] = {'%', hex[c >> 4], hex[c & 15]};
            gw_buf_put(out, escape, sizeof escape);
        }
    }
    return out->code;
}
