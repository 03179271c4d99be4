#include "gateway/evidence/request.h"

#include "gateway/base/file.h"
#include "gateway/evidence/store.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int compare_cases(const void *a, const void *b)
{
    return memcmp(a, b, GW_ID_BYTES);
}

/* Sorted: pseudonym texts sort as their bytes do. */
static gw_code put_heads(evidence *ev, const gw_id *cases, size_t n, gw_buf *b, gw_err *err)
{
    GW_AUTO_FREE gw_id *sorted = calloc(n + 1, sizeof *sorted);
    if (!sorted)
        return gw_fail(err, GW_ENOMEM, "export record");
    if (n > 0)
        memcpy(sorted, cases, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_cases);
    for (size_t i = 0; i < n; i++) {
        char id[GW_ID_TEXT];
        char hex[DIGEST_HEX];
        uint64_t cseq;
        uint8_t hash[DIGEST_BYTES];
        if (i > 0 && memcmp(&sorted[i], &sorted[i - 1], GW_ID_BYTES) == 0)
            continue;
        gw_code rc = evindex_head(ev->index, &sorted[i], &cseq, hash, err);
        if (rc != GW_OK)
            return rc;
        gw_id_format(&sorted[i], id);
        gw_hex(hash, sizeof hash, hex);
        gw_buf_printf(b, "%s %llu %s\n", id, (unsigned long long)cseq, hex);
    }
    return gw_buf_code(b, "case heads", err);
}

static gw_code log_export(evidence *ev, const request *q, const char *id, gw_buf *ret_answer,
                          gw_err *err)
{
    GW_AUTO_BUF gw_buf heads;
    GW_AUTO_BUF gw_buf fact;
    GW_AUTO_BUF gw_buf priv;
    gw_buf_init(&heads, REQUEST_BYTES_MAX * 2);
    gw_buf_init(&fact, 2048);
    gw_buf_init(&priv, 2048);
    gw_code rc = current_catch_up_index(ev, err);
    if (rc == GW_OK)
        rc = put_heads(ev, q->cases, q->n, &heads, err);
    if (rc != GW_OK)
        return rc;
    char hex[DIGEST_HEX];
    uint8_t hash[DIGEST_BYTES];
    digest_of(gw_buf_str(&heads).p, heads.n, hash);
    gw_hex(hash, sizeof hash, hex);
    gw_buf_putc(&fact, '{');
    json_put_member_int(&fact, "cases", (int64_t)q->n);
    json_put_member_str(&fact, "heads", gw_str_of(hex));
    json_put_member_str(&fact, "kind", gw_str_of(q->kind));
    json_put_member_str(&fact, "request", gw_str_of(id));
    json_put_member_str(&fact, "scope", gw_str_of(q->scope));
    gw_buf_putc(&fact, '}');
    gw_buf_putc(&priv, '{');
    json_put_member_str(&priv, "by", q->by);
    gw_buf_putc(&priv, '}');
    evidence_draft d = {.event = "x-Export",
                        .t = gw_clock_now(ev->clock),
                        .fact = gw_buf_str(&fact),
                        .priv = gw_buf_str(&priv)};
    size_t taken;
    rc = group_log(ev, &d, 1, &taken, err);
    if (rc == GW_OK)
        rc = current_checkpoint(ev, err);
    if (rc != GW_OK)
        return rc;
    gw_buf_putc(ret_answer, '{');
    json_put_member_str(ret_answer, "heads", gw_buf_str(&heads));
    json_put_member_int(ret_answer, "index", (int64_t)wal_size(ev->wal) - 1);
    json_put_member_str(ret_answer, "origin", gw_str_of(ev->origin));
    gw_buf_putc(ret_answer, '}');
    return gw_buf_code(ret_answer, "answer to an export request", err);
}

gw_code evidence_export(evidence *ev, const request *q, gw_buf *ret_answer, gw_err *err)
{
    gw_id id;
    char text[GW_ID_TEXT];
    gw_id_random(&id);
    gw_id_format(&id, text);
    pthread_mutex_lock(&ev->lock);
    gw_code rc = ev->failed ? gw_fail(err, GW_EIO, "the evidence log failed earlier")
                            : log_export(ev, q, text, ret_answer, err);
    pthread_mutex_unlock(&ev->lock);
    return rc;
}

/* ---- files ---- */

static void path_of(const char *dir, const char *id, const char *ending, char ret[PATH_MAX])
{
    if (snprintf(ret, PATH_MAX, "%s/requests/%s%s", dir, id, ending) >= PATH_MAX)
        gw_bug("request path");
}

gw_code request_leave(const char *dir, const request *q, char ret_id[GW_ID_TEXT], gw_err *err)
{
    gw_id id;
    char path[PATH_MAX];
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, REQUEST_BYTES_MAX);
    gw_buf_putc(&b, '{');
    json_put_member_str(&b, "by", q->by);
    json_put_name(&b, "cases");
    gw_buf_putc(&b, '[');
    for (size_t i = 0; i < q->n; i++) {
        char text[GW_ID_TEXT];
        gw_id_format(&q->cases[i], text);
        gw_buf_printf(&b, "%s\"%s\"", i ? "," : "", text);
    }
    gw_buf_putc(&b, ']');
    json_put_member_str(&b, "kind", gw_str_of(q->kind));
    json_put_member_str(&b, "scope", gw_str_of(q->scope));
    json_put_member_int(&b, "v", 1);
    gw_buf_putc(&b, '}');
    gw_code rc = gw_buf_code(&b, "export request", err);
    if (rc != GW_OK)
        return rc;
    gw_id_random(&id);
    gw_id_format(&id, ret_id);
    path_of(dir, ret_id, ".json", path);
    return gw_file_replace(path, gw_buf_str(&b), 0600, err);
}

gw_code request_answer(const char *dir, const char *id, gw_buf *ret, gw_err *err)
{
    char path[PATH_MAX];
    path_of(dir, id, ".done", path);
    gw_code rc = gw_file_read(path, ret, err);
    if (rc == GW_ENOTFOUND)
        return gw_fail(err, GW_EBUSY, "the gateway has not recorded the request yet");
    if (rc == GW_OK)
        unlink(path);
    return rc;
}

/* A word from a request file that becomes a public fact: one of ours, or refused. */
static const char *known_word(gw_str s)
{
    static const char *const words[] = {"export", "search", "csv", "proof",
                                        "case",   "debtor", "job", "period"};
    for (size_t i = 0; i < GW_COUNT(words); i++)
        if (gw_str_is(s, words[i]))
            return words[i];
    return NULL;
}

static gw_code parse_request(gw_str text, gw_arena *arena, request *ret, gw_err *err)
{
    json_doc d;
    gw_code rc = json_parse(text, arena, &d, err);
    if (rc != GW_OK)
        return rc;
    uint32_t list = json_member(&d, 0, "cases");
    request q = {.kind = known_word(json_get_str(&d, 0, "kind")),
                 .scope = known_word(json_get_str(&d, 0, "scope")),
                 .by = json_get_str(&d, 0, "by")};
    if (!q.kind || !q.scope || json_get_int(&d, 0, "v", 0) != 1 || q.by.n > 256 || !list ||
        json_kind_of(&d, list) != JSON_ARRAY || json_at(&d, list)->count > REQUEST_CASES_MAX)
        return gw_fail(err, GW_EINVAL, "not an export request");
    gw_id *cases = gw_arena_alloc(arena, (json_at(&d, list)->count + 1) * sizeof *cases);
    if (!cases)
        return gw_fail(err, GW_ENOMEM, "export request");
    for (uint32_t at = list + 1; at < json_at(&d, list)->next; at = json_at(&d, at)->next) {
        rc = gw_id_parse(json_str(&d, at), &cases[q.n++], err);
        if (rc != GW_OK)
            return rc;
    }
    q.cases = cases;
    *ret = q;
    return GW_OK;
}

/* One file: record it, answer, remove it. Only a fault of the log itself is an error of ours. */
static gw_code serve_one(evidence *ev, const char *id, gw_err *err)
{
    char path[PATH_MAX];
    request q;
    gw_err why = {.code = GW_OK};
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(DRAFT_ARENA);
    GW_AUTO_BUF gw_buf text;
    GW_AUTO_BUF gw_buf answer;
    gw_buf_init(&text, REQUEST_BYTES_MAX);
    gw_buf_init(&answer, 4 * REQUEST_BYTES_MAX);
    if (!arena)
        return gw_fail(err, GW_ENOMEM, "export request");
    path_of(ev->dir, id, ".json", path);
    gw_code rc = gw_file_read(path, &text, &why);
    if (rc == GW_OK)
        rc = parse_request(gw_buf_str(&text), arena, &q, &why);
    if (rc == GW_OK)
        rc = log_export(ev, &q, id, &answer, &why);
    if (rc == GW_EIO || rc == GW_ENOSPC || rc == GW_ENOMEM || rc == GW_ECORRUPT)
        return gw_wrap(err, rc, "%s", why.text);
    if (rc != GW_OK) {
        gw_buf_clear(&answer);
        gw_buf_putc(&answer, '{');
        json_put_member_str(&answer, "error", gw_str_of(why.text));
        gw_buf_putc(&answer, '}');
    }
    unlink(path);
    path_of(ev->dir, id, ".done", path);
    return gw_file_replace(path, gw_buf_str(&answer), 0600, err);
}

gw_code request_serve(evidence *ev, gw_err *err)
{
    char path[PATH_MAX];
    gw_code rc = GW_OK;
    int served = 0;
    path_of(ev->dir, "", "", path);
    DIR *d = opendir(path);
    if (!d)
        return GW_OK; /* removed by somebody: then nobody asks */
    for (struct dirent *e = readdir(d); rc == GW_OK && e && served < REQUEST_A_TURN;
         e = readdir(d)) {
        char id[GW_ID_TEXT];
        gw_id parsed;
        if (strlen(e->d_name) != GW_ID_TEXT - 1 + 5 ||
            strcmp(e->d_name + GW_ID_TEXT - 1, ".json") != 0)
            continue;
        memcpy(id, e->d_name, GW_ID_TEXT - 1);
        id[GW_ID_TEXT - 1] = '\0';
        if (gw_id_parse(gw_str_of(id), &parsed, NULL) != GW_OK)
            continue;
        rc = serve_one(ev, id, err);
        served++;
    }
    closedir(d);
    return rc;
}
