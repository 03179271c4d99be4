/* provider.h - one HTTP provider of SMS or calls, as data: config/providers/NAME.jsonc.
 *
 * The file says how a request is put together, what the answer means, how callbacks read, which
 * signing scheme applies and what may be sent through it; config/schema/provider.json describes
 * every member and config/providers/README.md shows one. A new HTTP provider needs no C.
 *
 * Texts of the file may hold placeholders, "{to}"; an unknown one stops the load. In a URL or form
 * their values are percent-encoded, in JSON escaped; "{name:number}" as a whole JSON string becomes
 * a number, "{approval.values:list}" a list of strings.
 *     to, to.digits        E.164 with and without the plus
 *     text                 what the recipient reads or hears
 *     ref                  our own reference (receipt.h), unique to the attempt
 *     idempotency          a key for the provider's idempotency header, the same for a resend
 *     callback             where receipts go, ref and its MAC in the query (provider_sign.h)
 *     valid.minutes, valid.seconds   how long the message may wait for the handset
 *     coding               0 GSM alphabet, 2 UCS-2        unicode   false, true
 *     id                   the provider's id of the message (query only)
 *     settings.NAME        a member of "settings"
 *     approval.template, approval.signature, approval.params, approval.values
 *     var.NAME             given by the channel beside these (of a query: day, YYYYMMDD)
 *
 * Nothing here does network I/O, and secrets never come near a request: a scheme adds them when it
 * signs (provider_sign.h), so the bytes in the evidence are free of them.
 *
 * Ownership: a provider owns everything it points to. Thread: immutable once loaded; any. */
#ifndef WIRE_PROVIDER_H
#define WIRE_PROVIDER_H

#include "gateway/base/clock.h"
#include "gateway/base/jsonc.h"
#include "gateway/wire/receipt.h"
#include "gateway/wire/schema.h"

enum {
    PROVIDER_FILE_MAX = 256 * 1024,
    PROVIDER_NAME_MAX = 48,
    PROVIDER_PAIRS_MAX = 32, /* headers of a request, members of settings and secrets */
    PROVIDER_RULES_MAX = 32, /* rows of an answer */
    PROVIDER_APPROVALS_MAX = 256,
    PROVIDER_REQUEST_MAX = 64 * 1024, /* bytes of one request */
};

typedef struct {
    gw_str name, value;
} provider_pair;

/* How requests are signed. */
typedef enum {
    PROVIDER_SIGN_NONE,
    PROVIDER_SIGN_BASIC,    /* RFC 7617: settings.user, secret "password" (Twilio, Asterisk ARI) */
    PROVIDER_SIGN_BEARER,   /* RFC 6750: secret "token" */
    PROVIDER_SIGN_KANNEL,   /* query username and password: settings.user, secret "password" */
    PROVIDER_SIGN_VONAGE,   /* JWT RS256: settings.application_id, secret "private_key" (PEM) */
    PROVIDER_SIGN_ALIYUN,   /* ACS3-HMAC-SHA256: settings.access_key_id, secret access_key_secret */
    PROVIDER_SIGN_TENCENT,  /* TC3-HMAC-SHA256: settings.secret_id, .service, secret secret_key */
    PROVIDER_SIGN_STANDARD, /* Standard Webhooks: secret "key" ("whsec_...") */
    PROVIDER_SIGN_COUNT
} provider_sign_scheme;

/* How callbacks are checked. */
typedef enum {
    PROVIDER_VERIFY_NONE,     /* the provider documents nothing: unsigned */
    PROVIDER_VERIFY_TWILIO,   /* X-Twilio-Signature: secret "password" */
    PROVIDER_VERIFY_VONAGE,   /* JWT HS256 with payload hash: secret "signature_secret" */
    PROVIDER_VERIFY_URL_MAC,  /* our MAC in the callback's URL: secret "callback_key" */
    PROVIDER_VERIFY_BAIDU,    /* md5(token + timestamp + body): secret "token" */
    PROVIDER_VERIFY_STANDARD, /* Standard Webhooks: secret "key" */
    PROVIDER_VERIFY_COUNT
} provider_verify_scheme;

/* May payment reminders be sent through it? */
typedef enum {
    PROVIDER_DUNNING_ALLOWED,
    PROVIDER_DUNNING_CREDITOR, /* only by the creditor itself */
    PROVIDER_DUNNING_FORBIDDEN,
} provider_dunning;

/* An approval id the provider gave to one template version (S6). */
typedef struct {
    gw_str name, locale;
    gw_str version; /* hex SHA-256 of the bundle */
    gw_str template_id, signature;
    uint32_t params; /* node: object of name -> JSON pointer into the template's data; 0 none */
} provider_approval;

typedef enum { PROVIDER_JSON, PROVIDER_FORM, PROVIDER_TEXT } provider_format;

typedef struct provider {
    char name[PROVIDER_NAME_MAX + 1];
    gw_str channel; /* "sms" | "voice" */
    gw_str base_url;
    bool loopback;   /* base_url may be http or https to this machine; else https to public hosts */
    gw_str ca_file;  /* trusted certificates instead of the system's; empty: the system's */
    bool idempotent; /* it honours the idempotency key: a resend has one effect */
    provider_sign_scheme sign;
    provider_verify_scheme verify;
    provider_pair settings[PROVIDER_PAIRS_MAX];
    size_t setting_n;
    provider_pair secrets[PROVIDER_PAIRS_MAX]; /* name -> file */
    size_t secret_n;

    /* limits */
    int per_second, burst; /* requests started; 0 = no limit */
    int concurrency;       /* requests under way */
    int connect_ms, total_ms;
    int response_bytes;

    provider_dunning dunning;
    gw_str prefixes[PROVIDER_PAIRS_MAX]; /* numbers it serves; none: all */
    size_t prefix_n;
    bool approval_required;
    provider_approval *approvals;
    size_t approval_n;

    /* nodes of file.doc; 0 = absent */
    uint32_t request, answer, query, query_answer, callback;
    jsonc_file file;
} provider;

/* name: as the file is called, for texts and hooks. shape: config/schema/provider.json. GW_EINVAL
 * with a JSON pointer, GW_ELIMIT, GW_ENOMEM. */
gw_code provider_parse(const char *name, gw_str jsonc, const schema *shape, provider **ret,
                       gw_err *err) GW_NODISCARD;
/* <dir>/providers/NAME.jsonc, shape <dir>/schema/provider.json. As provider_parse, and
 * GW_ENOTFOUND, GW_EIO. */
gw_code provider_load(const char *dir, const char *name, provider **ret, gw_err *err) GW_NODISCARD;
void provider_free(provider *p);
GW_CLEANUP_FUNC(provider, provider_free)

/* Empty when there is none. */
gw_str provider_setting(const provider *p, const char *name);

/* ---- may this be sent through it? (provider_fit.c) ---- */

typedef struct {
    gw_str to;                    /* E.164 */
    gw_str name, locale, version; /* of the template */
    bool creditor;                /* the sender collects its own debt */
    bool no_demand;               /* asks for no payment (the confirmation of an opt-out) */
} provider_subject;

/* What an approval has nothing to do with: "dunning-forbidden", "creditor-only",
 * "number-not-served"; NULL when none of it stands against it. */
const char *provider_forbids(const provider *p, const provider_subject *s);
/* NULL: yes, and *ret_approval is the approval to quote or NULL. Else why not, a reason code:
 * "dunning-forbidden", "creditor-only", "number-not-served", "not-approved". */
const char *provider_unfit(const provider *p, const provider_subject *s,
                           const provider_approval **ret_approval);

/* ---- requests (provider_request.c) ---- */

/* What placeholders stand for. Unused ones may be empty. */
typedef struct {
    gw_str to, text, ref, idempotency, callback, id;
    int64_t valid_ms;
    bool unicode;
    const provider_approval *approval; /* NULL: none */
    const json_doc *data;              /* the template's data, for approval.params; may be NULL */
    const provider_pair *vars;
    size_t var_n;
} provider_values;

/* All in the arena; url without what the scheme adds. */
typedef struct {
    gw_str method, url, body;
    size_t header_n;
    provider_pair headers[PROVIDER_PAIRS_MAX]; /* last: who keeps many keeps only header_n */
} provider_request;

/* node: p->request or p->query. GW_EINVAL a value is missing, GW_ELIMIT, GW_ENOMEM. */
gw_code provider_build(const provider *p, uint32_t node, const provider_values *v, gw_arena *arena,
                       provider_request *ret, gw_err *err) GW_NODISCARD;

/* ---- answers (provider_answer.c) ---- */

typedef enum {
    PROVIDER_TOOK,    /* accepted */
    PROVIDER_LATER,   /* a negative answer that may change: nothing was accepted */
    PROVIDER_REFUSED, /* a final no for this message */
    PROVIDER_UNCLEAR  /* the answer makes no sense, or says that nobody knows */
} provider_verdict;

typedef struct {
    provider_verdict verdict;
    const char *why; /* static or the provider's: "accepted", "throttled", "bad-answer", ... */
    gw_str id;       /* the provider's id; may be empty */
    gw_str code;     /* the provider's own code; may be empty; no personal data */
    wire_receipt_state state; /* of a query */
    bool found;               /* of a query: the provider knows the message */
} provider_answer;

/* The meaning of a whole HTTP answer to p->request. Total: garbage is UNCLEAR. ret lives in the
 * arena. */
void provider_read_answer(const provider *p, int http, gw_str body, gw_arena *arena,
                          provider_answer *ret);
/* To p->query: verdict TOOK when it is known what has become of it (found, state). */
void provider_read_query(const provider *p, int http, gw_str body, gw_arena *arena,
                         provider_answer *ret);

#endif
