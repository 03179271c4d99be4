/* buf.h - byte spans and growing buffers born with a ceiling.
 *
 * A gw_str is borrowed bytes with a length; it need not end in NUL. A gw_buf owns its bytes; it
 * refuses to grow past its ceiling with GW_ELIMIT and keeps a NUL behind the last byte, so that
 * buf.data can be handed to functions that want a C string.
 * Sticky failure: after a failed append every later append fails with the same code and changes
 * nothing, so a sequence of appends needs one check at its end (gw_buf_code).
 * Thread: one owner at a time. */
#ifndef GW_BUF_H
#define GW_BUF_H

#include "gateway/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const char *p;
    size_t n;
} gw_str;

#define GW_STR(literal) ((gw_str){(literal), sizeof(literal) - 1})

static inline gw_str gw_str_of(const char *z)
{
    return (gw_str){z, z ? strlen(z) : 0};
}
static inline bool gw_str_eq(gw_str a, gw_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool gw_str_is(gw_str a, const char *z)
{
    return gw_str_eq(a, gw_str_of(z));
}

/* printf helper: printf("%.*s", GW_STR_ARG(s)) */
#define GW_STR_ARG(s) (int)(s).n, (s).p

typedef struct {
    char *data;     /* NUL-terminated once anything was appended, else NULL */
    size_t n;       /* bytes in use */
    size_t cap;     /* bytes allocated */
    size_t ceiling; /* most bytes it may hold */
    gw_code code;   /* first failure, GW_OK while all went well */
} gw_buf;

/* An empty buffer that may grow to ceiling bytes; allocates nothing yet. */
void gw_buf_init(gw_buf *b, size_t ceiling);
/* Free the bytes. Accepts a zeroed or done buffer. Secrets: gw_buf_wipe first. */
void gw_buf_done(gw_buf *b);
/* Forget the content and the sticky failure, keep the memory. */
void gw_buf_clear(gw_buf *b);
/* Overwrite content with zeros in a way the compiler keeps, then clear. */
void gw_buf_wipe(gw_buf *b);

gw_code gw_buf_put(gw_buf *b, const void *bytes, size_t n);
gw_code gw_buf_putc(gw_buf *b, char c);
gw_code gw_buf_puts(gw_buf *b, const char *z);
gw_code gw_buf_put_str(gw_buf *b, gw_str s);
gw_code gw_buf_printf(gw_buf *b, const char *fmt, ...) GW_PRINTF(2, 3);
/* Make room for n more bytes and return where they go; the caller adds to b->n. NULL on failure. */
char *gw_buf_reserve(gw_buf *b, size_t n);
/* Give back what is not in use, before a buffer is kept for long. */
void gw_buf_fit(gw_buf *b);
/* The sticky code; err (may be NULL) says "what is larger than N bytes" or "out of memory". */
gw_code gw_buf_code(const gw_buf *b, const char *what, gw_err *err);

static inline gw_str gw_buf_str(const gw_buf *b)
{
    return (gw_str){b->data ? b->data : "", b->n};
}
/* Hand the bytes to the caller (free() them); the buffer is empty afterwards. NULL if empty. */
char *gw_buf_take(gw_buf *b, size_t *ret_n);

static inline void gw_buf_done_cleanup(gw_buf *b)
{
    gw_buf_done(b);
}
/* GW_AUTO_BUF gw_buf b; gw_buf_init(&b, LIMIT); */
#define GW_AUTO_BUF __attribute__((cleanup(gw_buf_done_cleanup)))

#endif
