/* provider_sign.h - signing requests and checking callbacks. Pure: bytes, secret, time in, header
 * or verdict out.
 *
 *   basic, bearer  RFC 7617, RFC 6750
 *   kannel         User's Guide 1.4.5 ch. 6 (sendsms): username and password in the query
 *   twilio         twilio.com/docs/usage/security: base64 HMAC-SHA1 over the URL as Twilio saw it
 *                  and the sorted form fields; JSON bodies by bodySHA256 in the URL
 *   vonage         developer.vonage.com, JWT (RS256) and signed webhooks (HS256, payload_hash)
 *   aliyun         help.aliyun.com, request syntax and signature V3: ACS3-HMAC-SHA256
 *   tencent        cloud.tencent.com, signature v3: TC3-HMAC-SHA256 over content-type and host
 *   standard       standardwebhooks.com: v1, HMAC-SHA256 over id.timestamp.body
 *   baidu          md5 over token, timestamp and body (weak: says only that the sender knows it)
 *   url-mac        ours: the callback's URL carries an HMAC-SHA256 of the reference, so that only
 *                  who was given the URL can call it; for providers on our own network
 * Pages read 2026-11-24. Comparisons take constant time. Secrets are borrowed and never copied out
 * of what is returned but where the scheme itself sends them.
 *
 * Thread: any. */
#ifndef WIRE_PROVIDER_SIGN_H
#define WIRE_PROVIDER_SIGN_H

#include "gateway/wire/hook.h"
#include "gateway/wire/provider.h"

enum {
    PROVIDER_SECRET_MAX = 16 * 1024, /* bytes of one secret file; a PEM key fits */
    PROVIDER_SIGNATURE_MAX = 16 * 1024,
    PROVIDER_REPLAY_MS = 5 * 60 * 1000, /* Standard Webhooks: tolerance of timestamps */
    PROVIDER_MAC_TEXT = 33,             /* hex of 128 bits and NUL */
};

/* Values of p->secrets. */
typedef struct {
    provider_pair list[PROVIDER_PAIRS_MAX];
    size_t n;
    gw_buf bytes; /* owns them */
} provider_secrets;

/* Read every secret file of p; relative paths lie below dir. A file that others may read is
 * refused. A final line break is none of the secret. GW_EREFUSED, GW_ENOTFOUND, GW_EIO, GW_ELIMIT.
 */
gw_code provider_secrets_load(const provider *p, const char *dir, provider_secrets *ret,
                              gw_err *err) GW_NODISCARD;
/* Wipes and frees. Accepts a zeroed one. */
void provider_secrets_done(provider_secrets *s);
gw_str provider_secret(const provider_secrets *s, const char *name);

/* What the scheme adds: header lines "Name: value\n", and text for the end of the URL's query
 * ("username=..&password=.."). Both may hold secrets: wipe them. */
typedef struct {
    gw_buf headers, query;
} provider_signature;
void provider_signature_init(provider_signature *s);
void provider_signature_done(provider_signature *s); /* wipes */

/* nonce: unique to this request, [0-9a-z-]. GW_EINVAL a setting or secret is missing or no key. */
gw_code provider_sign(const provider *p, const provider_request *r, const provider_secrets *s,
                      gw_wall now, gw_str nonce, provider_signature *ret, gw_err *err) GW_NODISCARD;

/* ---- callbacks ---- */

typedef enum {
    PROVIDER_UNSIGNED, /* the scheme is none: nothing to check */
    PROVIDER_SIGNED,
    PROVIDER_FORGED, /* signature missing, malformed or wrong */
    PROVIDER_STALE,  /* good, but its time lies outside the replay window */
} provider_authenticity;

/* Total. *ret_signed_at_ms: the moment the signature covers; 0 when the scheme has none. */
provider_authenticity provider_verify(const provider *p, const hook_request *r,
                                      const provider_secrets *s, gw_wall now, gw_arena *arena,
                                      int64_t *ret_signed_at_ms);

/* The MAC of ref under "callback_key"; GW_EINVAL without one. */
gw_code provider_callback_mac(const provider_secrets *s, gw_str ref, char ret[PROVIDER_MAC_TEXT],
                              gw_err *err) GW_NODISCARD;

#endif
