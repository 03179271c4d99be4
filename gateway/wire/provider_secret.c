/* provider_secret.c - the secrets of a provider, from private files. */
#include "gateway/wire/provider_sign.h"

#include "gateway/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { ALL_MAX = PROVIDER_PAIRS_MAX * PROVIDER_SECRET_MAX };

static gw_code read_one(const provider_pair *which, const char *dir, gw_buf *ret, gw_err *err)
{
    char path[1200];
    struct stat st;
    bool absolute = which->value.n && which->value.p[0] == '/';
    snprintf(path, sizeof path, "%s%s%.*s", absolute ? "" : dir, absolute ? "" : "/",
             GW_STR_ARG(which->value));
    if (stat(path, &st) != 0)
        return errno == ENOENT ? gw_fail(err, GW_ENOTFOUND,
                                         "%s is not there; put the secret into it, mode 0600", path)
                               : gw_fail_errno(err, errno, "looking at %s", path);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return gw_fail(err, GW_EREFUSED, "%s can be read by others; chmod 600 it", path);
    gw_code rc = gw_file_read(path, ret, err);
    while (rc == GW_OK && ret->n &&
           (ret->data[ret->n - 1] == '\n' || ret->data[ret->n - 1] == '\r'))
        ret->n--;
    if (rc == GW_OK && ret->n == 0)
        rc = gw_fail(err, GW_EINVAL, "%s is empty", path);
    return rc;
}

gw_code provider_secrets_load(const provider *p, const char *dir, provider_secrets *ret,
                              gw_err *err)
{
    size_t ends[PROVIDER_PAIRS_MAX];
    *ret = (provider_secrets){0};
    gw_buf_init(&ret->bytes, ALL_MAX);
    for (size_t i = 0; i < p->secret_n; i++) {
        gw_buf one;
        gw_buf_init(&one, PROVIDER_SECRET_MAX);
        gw_code rc = read_one(&p->secrets[i], dir, &one, err);
        if (rc == GW_OK)
            rc = gw_buf_put_str(&ret->bytes, gw_buf_str(&one));
        gw_buf_wipe(&one);
        gw_buf_done(&one);
        if (rc != GW_OK) {
            provider_secrets_done(ret);
            return gw_wrap(err, rc, "provider %s, secret %.*s", p->name,
                           GW_STR_ARG(p->secrets[i].name));
        }
        ends[i] = ret->bytes.n;
    }
    for (size_t i = 0; i < p->secret_n; i++) { /* now that the bytes stay where they are */
        size_t from = i ? ends[i - 1] : 0;
        ret->list[ret->n++] =
            (provider_pair){p->secrets[i].name, {ret->bytes.data + from, ends[i] - from}};
    }
    return GW_OK;
}

void provider_secrets_done(provider_secrets *s)
{
    gw_buf_wipe(&s->bytes);
    gw_buf_done(&s->bytes);
    *s = (provider_secrets){0};
}

gw_str provider_secret(const provider_secrets *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (gw_str_is(s->list[i].name, name))
            return s->list[i].value;
    return (gw_str){NULL, 0};
}
