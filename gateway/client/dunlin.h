/* dunlin.h - client library for billing systems: hand jobs, open items, payments and more to a
 * Dunlin gateway and get a verdict for each. Link with -ldunlin (pkg-config dunlin).
 *
 * A connection is one encrypted ZeroMQ socket (CURVE). The gateway knows a billing system by its
 * key; make one with `dunlin key NAME`. Bodies are JSON texts, described in config/schema and in
 * gateway/intake/README.md. Sending the same id with the same content again is always safe: the
 * gateway answers with the first receipt. So after DUNLIN_ETIMEOUT, send again.
 *
 * Thread: a connection belongs to one thread at a time. Different connections are independent. */
#ifndef DUNLIN_H
#define DUNLIN_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DUNLIN_API __attribute__((visibility("default")))

enum {
    DUNLIN_BODIES_MAX = 1000000,       /* bodies of one call */
    DUNLIN_BODY_BYTES_MAX = 64 * 1024, /* bytes of one body; the gateway refuses larger ones */
};

typedef enum {
    DUNLIN_OK = 0,
    DUNLIN_EINVAL = -1,   /* an argument or option is wrong */
    DUNLIN_ETIMEOUT = -2, /* no answer in time; those without verdict are DUNLIN_UNKNOWN */
    DUNLIN_ENOMEM = -3,
    DUNLIN_EIO = -4,    /* the socket failed */
    DUNLIN_EPROTO = -5, /* the peer does not speak this protocol */
} dunlin_code;

typedef struct dunlin dunlin;

typedef struct {
    const char *endpoint;   /* "tcp://gateway.example.test:7310" */
    const char *server_key; /* the gateway's public key, Z85, 40 characters */
    const char *secret_key; /* this billing system's secret key, Z85 */
    int timeout_ms;         /* silence after which a call gives up; 0 = 30000 */
    int busy_ms; /* how long a call repeats bodies answered `busy`; 0 = 60000, -1 never */
} dunlin_options;

typedef struct {
    const char *json;
    size_t bytes;
} dunlin_body;

typedef enum {
    DUNLIN_UNKNOWN,   /* not answered */
    DUNLIN_ACCEPTED,  /* durable at the gateway */
    DUNLIN_DUPLICATE, /* was accepted before; the first receipt */
    DUNLIN_REJECTED,  /* json says code, reason and pointer; sending it again changes nothing */
    DUNLIN_BUSY,      /* try again later */
    DUNLIN_ANSWER,    /* the answer to a query */
} dunlin_kind;

typedef struct {
    dunlin_kind kind;
    const char *json; /* the verdict as the gateway sent it, NUL-terminated; valid until the next
                         call on this connection */
    size_t bytes;
} dunlin_verdict;

/* Copies the options. The connection is made in the background: a gateway that is not there yet
 * shows in the first call. On failure *ret is untouched and why (may be NULL) has the reason. */
DUNLIN_API dunlin_code dunlin_open(const dunlin_options *options, dunlin **ret, char *why,
                                   size_t why_bytes);
/* Accepts NULL. */
DUNLIN_API void dunlin_close(dunlin *d);

/* Send n bodies of a verb ("submit", "item", "payment", ...) and wait for all verdicts; ret has
 * room for n, in the order of bodies. Bodies answered busy are sent again as the options say; when
 * the connection is lost on the way, all that is not answered is sent again over the next one (a
 * body that had arrived already is then DUNLIN_DUPLICATE with its first receipt). */
DUNLIN_API dunlin_code dunlin_send(dunlin *d, const char *verb, const dunlin_body *bodies, size_t n,
                                   dunlin_verdict *ret);

/* What the last failed call was about; never NULL. */
DUNLIN_API const char *dunlin_error(const dunlin *d);

/* Version of the library, e.g. "0.1.0". */
DUNLIN_API const char *dunlin_version(void);

#ifdef __cplusplus
}
#endif

#endif
