#include "workers/email/address.h"

#include <arpa/inet.h>

gw_str address_domain(gw_str address)
{
    for (size_t i = address.n; i > 0; i--)
        if (address.p[i - 1] == '@')
            return (gw_str){address.p + i, address.n - i};
    return (gw_str){NULL, 0};
}

static bool is_letter_digit(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* atext of RFC 5322 §3.2.3 */
static bool is_atext(unsigned char c)
{
    return is_letter_digit(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_dot_atom(gw_str s)
{
    if (s.n == 0 || s.p[0] == '.' || s.p[s.n - 1] == '.')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '.' ? s.p[i - 1] == '.' : !is_atext((unsigned char)s.p[i]))
            return false;
    return true;
}

static bool is_domain(gw_str s)
{
    size_t label = 0;
    if (s.n == 0 || s.n > 253)
        return false;
    for (size_t i = 0; i <= s.n; i++) {
        if (i < s.n && s.p[i] != '.') {
            unsigned char c = (unsigned char)s.p[i];
            if (!is_letter_digit(c) && (c != '-' || label == 0))
                return false;
            label++;
            continue;
        }
        if (label == 0 || label > ADDRESS_LABEL_MAX || s.p[i - 1] == '-')
            return false;
        label = 0;
    }
    return true;
}

gw_code address_check(gw_str address, const char *what, gw_err *err)
{
    gw_str domain = address_domain(address);
    if (address.n == 0)
        return gw_fail(err, GW_EINVAL, "%s is empty", what);
    if (address.n > ADDRESS_BYTES_MAX)
        return gw_fail(err, GW_ELIMIT, "%s is longer than %d bytes", what, ADDRESS_BYTES_MAX);
    if (!domain.p)
        return gw_fail(err, GW_EINVAL, "%s has no @", what);
    gw_str local = {address.p, address.n - domain.n - 1};
    if (local.n > ADDRESS_LOCAL_MAX)
        return gw_fail(err, GW_ELIMIT, "%s has more than %d bytes before the @", what,
                       ADDRESS_LOCAL_MAX);
    if (!is_dot_atom(local))
        return gw_fail(err, GW_EINVAL, "%s has a part before the @ that is not plain ASCII text",
                       what);
    if (!is_domain(domain))
        return gw_fail(err, GW_EINVAL,
                       "%s has no domain name behind the @ (international ones in xn-- form)",
                       what);
    return GW_OK;
}

gw_code address_check_host(gw_str host, const char *what, gw_err *err)
{
    char text[INET6_ADDRSTRLEN + 1];
    unsigned char bin[16];
    if (host.n > 0 && host.n < sizeof text && !memchr(host.p, 0, host.n)) {
        memcpy(text, host.p, host.n);
        text[host.n] = 0;
        if (inet_pton(AF_INET, text, bin) == 1 || inet_pton(AF_INET6, text, bin) == 1)
            return GW_OK;
    }
    if (is_domain(host))
        return GW_OK;
    return gw_fail(err, GW_EINVAL, "%s is neither a host name nor an IP address", what);
}
