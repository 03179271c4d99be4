/* http_address.c - which addresses a provider may have. */
#include "workers/providers/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* Not reachable from the public internet, or not meant to be: RFC 6890 and its registry (IANA,
 * special-purpose addresses, read 2026-11-24). 169.254/16 and fd00::/8 hold the clouds' metadata.
 */
static const struct {
    const char *net;
    int bits;
} private_v4[] =
    {
        {"0.0.0.0", 8},      {"10.0.0.0", 8},     {"100.64.0.0", 10}, {"127.0.0.0", 8},
        {"169.254.0.0", 16}, {"172.16.0.0", 12},  {"192.0.0.0", 24},  {"192.0.2.0", 24},
        {"192.88.99.0", 24}, {"192.168.0.0", 16}, {"198.18.0.0", 15}, {"198.51.100.0", 24},
        {"203.0.113.0", 24}, {"224.0.0.0", 4},    {"240.0.0.0", 4},
},
  private_v6[] = {
      {"::", 96},         {"::ffff:0:0", 96}, {"64:ff9b:1::", 48}, {"100::", 64},  {"2001::", 23},
      {"2001:db8::", 32}, {"3fff::", 20},     {"fc00::", 7},       {"fe80::", 10}, {"ff00::", 8},
};

static bool within(const uint8_t *a, const uint8_t *net, int bits)
{
    int whole = bits / 8;
    if (memcmp(a, net, (size_t)whole) != 0)
        return false;
    int rest = bits % 8;
    return rest == 0 || (a[whole] ^ net[whole]) >> (8 - rest) == 0;
}

static bool is_private_v4(const uint8_t a[4])
{
    for (size_t i = 0; i < GW_COUNT(private_v4); i++) {
        uint8_t net[4];
        inet_pton(AF_INET, private_v4[i].net, net);
        if (within(a, net, private_v4[i].bits))
            return true;
    }
    return false;
}

/* IPv4 inside IPv6 is judged as IPv4: ::ffff:a.b.c.d, and NAT64's 64:ff9b::a.b.c.d (RFC 6052). */
static const uint8_t *embedded_v4(const uint8_t a[16])
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xFF, 0x9B};
    return memcmp(a, mapped, sizeof mapped) == 0 || memcmp(a, nat64, sizeof nat64) == 0 ? a + 12
                                                                                        : NULL;
}

static bool is_private_v6(const uint8_t a[16])
{
    for (size_t i = 0; i < GW_COUNT(private_v6); i++) {
        uint8_t net[16];
        inet_pton(AF_INET6, private_v6[i].net, net);
        if (within(a, net, private_v6[i].bits))
            return true;
    }
    return false;
}

bool http_address_allowed(const struct sockaddr *a, bool loopback)
{
    if (a->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, a, sizeof in);
        uint8_t bytes[4];
        memcpy(bytes, &in.sin_addr, sizeof bytes);
        return loopback ? bytes[0] == 127 : !is_private_v4(bytes);
    }
    if (a->sa_family != AF_INET6)
        return false;
    struct sockaddr_in6 in;
    memcpy(&in, a, sizeof in);
    const uint8_t *bytes = in.sin6_addr.s6_addr;
    const uint8_t *v4 = embedded_v4(bytes);
    if (loopback)
        return v4 ? v4[0] == 127 : IN6_IS_ADDR_LOOPBACK(&in.sin6_addr);
    return v4 ? !is_private_v4(v4) : !is_private_v6(bytes);
}
