#include "gateway/base/buf.h"

#include <sodium.h>
#include <stdio.h>

enum { FIRST_BYTES = 256 };

void gw_buf_init(gw_buf *b, size_t ceiling)
{
    *b = (gw_buf){.ceiling = ceiling};
}

void gw_buf_done(gw_buf *b)
{
    free(b->data);
    *b = (gw_buf){.ceiling = b->ceiling};
}

void gw_buf_clear(gw_buf *b)
{
    b->n = 0;
    b->code = GW_OK;
    if (b->data)
        b->data[0] = '\0';
}

void gw_buf_wipe(gw_buf *b)
{
    if (b->data)
        sodium_memzero(b->data, b->cap);
    gw_buf_clear(b);
}

char *gw_buf_reserve(gw_buf *b, size_t n)
{
    if (b->code != GW_OK)
        return NULL;
    if (n > b->ceiling || b->n > b->ceiling - n) {
        b->code = GW_ELIMIT;
        return NULL;
    }
    size_t need = b->n + n + 1;
    if (need > b->cap) {
        size_t cap = b->cap ? b->cap : FIRST_BYTES;
        while (cap < need)
            cap *= 2;
        char *data = realloc(b->data, cap);
        if (!data) {
            b->code = GW_ENOMEM;
            return NULL;
        }
        b->data = data;
        b->cap = cap;
    }
    return b->data + b->n;
}

void gw_buf_fit(gw_buf *b)
{
    char *data = b->data ? realloc(b->data, b->n + 1) : NULL;
    if (!data)
        return;
    b->data = data;
    b->cap = b->n + 1;
}

gw_code gw_buf_put(gw_buf *b, const void *bytes, size_t n)
{
    char *to = gw_buf_reserve(b, n);
    if (!to)
        return b->code;
    if (n)
        memcpy(to, bytes, n);
    b->n += n;
    b->data[b->n] = '\0';
    return GW_OK;
}

gw_code gw_buf_putc(gw_buf *b, char c)
{
    return gw_buf_put(b, &c, 1);
}

gw_code gw_buf_puts(gw_buf *b, const char *z)
{
    return gw_buf_put(b, z, strlen(z));
}

gw_code gw_buf_put_str(gw_buf *b, gw_str s)
{
    return gw_buf_put(b, s.p, s.n);
}

gw_code gw_buf_printf(gw_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_list again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *to = n < 0 ? NULL : gw_buf_reserve(b, (size_t)n);
    if (to) {
        vsnprintf(to, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    } else if (b->code == GW_OK) {
        b->code = GW_EINVAL;
    }
    va_end(again);
    return b->code;
}

gw_code gw_buf_code(const gw_buf *b, const char *what, gw_err *err)
{
    switch (b->code) {
    case GW_OK:
        return GW_OK;
    case GW_ELIMIT:
        return gw_fail(err, GW_ELIMIT, "%s is larger than its limit of %zu bytes", what,
                       b->ceiling);
    default:
        return gw_fail(err, b->code, "%s: %s", what, gw_code_name(b->code));
    }
}

char *gw_buf_take(gw_buf *b, size_t *ret_n)
{
    char *data = b->data;
    if (ret_n)
        *ret_n = b->n;
    *b = (gw_buf){.ceiling = b->ceiling};
    return data;
}
