#include "gateway/evidence/record.h"

#include "gateway/base/time.h"
#include "gateway/evidence/wal.h"

static void put_id(gw_buf *b, const char *name, const gw_id *id)
{
    char text[GW_ID_TEXT];
    gw_id_format(id, text);
    json_put_member_str(b, name, gw_str_of(text));
}

static void put_time(gw_buf *b, const char *name, gw_wall t)
{
    char text[GW_TIME_TEXT];
    gw_time_format(t, text);
    json_put_member_str(b, name, gw_str_of(text));
}

static void put_message(gw_buf *b, const record_fields *f)
{
    if (f->rid.n == 0 && f->attempt == 0)
        return;
    json_put_name(b, "msg");
    gw_buf_putc(b, '{');
    if (f->attempt != 0)
        json_put_member_int(b, "attempt", f->attempt);
    if (f->rid.n > 0)
        json_put_member_str(b, "rid", f->rid);
    gw_buf_putc(b, '}');
}

static void put_raw(gw_buf *b, const char *name, gw_str json)
{
    if (json.n > 0)
        json_put_member_raw(b, name, json);
}

static void put_text(gw_buf *b, const char *name, gw_str text)
{
    if (text.n > 0)
        json_put_member_str(b, name, text);
}

/* Members in the order RFC 8785 §3.2.3 sorts them; keep it when adding one. */
gw_code record_put(gw_buf *b, const record_fields *f, gw_err *err)
{
    char hex[DIGEST_HEX];
    size_t from = b->n;
    gw_buf_putc(b, '{');
    put_raw(b, "blob", f->blob);
    put_id(b, "case", &f->kase);
    put_raw(b, "clk", f->clk);
    put_raw(b, "cmt", f->cmt);
    if (f->cprev) {
        gw_hex(f->cprev, DIGEST_BYTES, hex);
        json_put_member_str(b, "cprev", gw_str_of(hex));
    }
    json_put_member_int(b, "cseq", (int64_t)f->cseq);
    json_put_member_str(b, "ev", f->event);
    put_raw(b, "fact", f->fact);
    put_id(b, "id", &f->id);
    put_raw(b, "iss", f->iss);
    json_put_member_int(b, "lvl", f->level);
    put_message(b, f);
    put_text(b, "obx", f->obx);
    if (f->rcp)
        put_id(b, "rcp", f->rcp);
    if (f->snd)
        put_id(b, "snd", f->snd);
    put_time(b, "t", f->t);
    put_time(b, "tb", f->tb);
    json_put_member_int(b, "v", RECORD_VERSION);
    put_text(b, "why", f->why);
    gw_buf_putc(b, '}');
    gw_code rc = gw_buf_code(b, "evidence record", err);
    if (rc == GW_OK && b->n - from > WAL_LEAF_MAX)
        rc = gw_fail(err, GW_ELIMIT, "evidence record is larger than %d bytes", WAL_LEAF_MAX);
    return rc;
}

static bool read_time(const json_doc *d, const char *name, gw_wall *ret)
{
    gw_str text = json_get_str(d, 0, name);
    char again[GW_TIME_TEXT];
    if (!text.p || gw_time_parse(text, ret, NULL) != GW_OK)
        return false;
    gw_time_format(*ret, again);
    return gw_str_is(text, again); /* one spelling only */
}

static uint32_t member_of(const json_doc *d, const char *name, json_kind kind)
{
    uint32_t at = json_member(d, 0, name);
    return at && json_kind_of(d, at) == kind ? at : 0;
}

gw_code record_parse(gw_str leaf, gw_arena *arena, record_view *ret, gw_err *err)
{
    record_view v = {.has_cprev = false};
    gw_code rc = json_parse(leaf, arena, &v.doc, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc == GW_ENOMEM ? rc : GW_ECORRUPT, "evidence record");
    const json_doc *d = &v.doc;
    if (json_kind_of(d, 0) != JSON_OBJECT || json_get_int(d, 0, "v", 0) != RECORD_VERSION)
        return gw_fail(err, GW_ECORRUPT, "not an evidence record of version %d", RECORD_VERSION);
    gw_str cprev = json_get_str(d, 0, "cprev");
    int64_t cseq = json_get_int(d, 0, "cseq", 0);
    v.has_cprev = cprev.p != NULL;
    if (v.has_cprev && !digest_read_hex(cprev, v.cprev, DIGEST_BYTES))
        return gw_fail(err, GW_ECORRUPT, "evidence record: cprev is not a hash");
    v.id = json_get_str(d, 0, "id");
    v.event = json_get_str(d, 0, "ev");
    v.kase = json_get_str(d, 0, "case");
    gw_id id;
    if (gw_id_parse(v.id, &id, NULL) != GW_OK || gw_id_parse(v.kase, &id, NULL) != GW_OK ||
        v.event.n == 0 || cseq < 1 || v.has_cprev != (cseq > 1) || !read_time(d, "t", &v.t) ||
        !read_time(d, "tb", &v.tb))
        return gw_fail(err, GW_ECORRUPT,
                       "evidence record: one of id, ev, case, cseq, cprev, t, tb "
                       "is missing or malformed");
    v.cseq = (uint64_t)cseq;
    v.snd = json_get_str(d, 0, "snd");
    v.rcp = json_get_str(d, 0, "rcp");
    v.why = json_get_str(d, 0, "why");
    v.obx = json_get_str(d, 0, "obx");
    v.level = json_get_int(d, 0, "lvl", 0);
    uint32_t msg = member_of(d, "msg", JSON_OBJECT);
    if (msg) {
        v.rid = json_get_str(d, msg, "rid");
        v.attempt = json_get_int(d, msg, "attempt", 0);
    }
    uint32_t clk = member_of(d, "clk", JSON_OBJECT);
    v.clock_step = clk ? json_get_int(d, clk, "step", 0) : 0;
    v.cmt = member_of(d, "cmt", JSON_OBJECT);
    v.fact = member_of(d, "fact", JSON_OBJECT);
    v.blob = member_of(d, "blob", JSON_ARRAY);
    *ret = v;
    return GW_OK;
}

static bool name_is_good(gw_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '.' || c == '-'))
            return false;
    }
    return name.n > 0 && name.n <= RECORD_NAME_MAX;
}

gw_code record_facts(gw_str in, size_t max, gw_arena *arena, gw_buf *ret, gw_err *err)
{
    json_doc d;
    gw_code rc = json_parse(in, arena, &d, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "fact");
    if (json_kind_of(&d, 0) != JSON_OBJECT)
        return gw_fail(err, GW_EINVAL, "fact: a JSON object is expected");
    for (uint32_t at = 1; at < d.nodes[0].next; at = json_at(&d, at + 1)->next) {
        json_kind kind = json_kind_of(&d, at + 1);
        if (!name_is_good(json_str(&d, at)))
            return gw_fail(err, GW_EINVAL, "fact: a name is not 1-%d of [A-Za-z0-9_.-]",
                           RECORD_NAME_MAX);
        if (kind != JSON_STRING && kind != JSON_INT)
            return gw_fail(err, GW_EINVAL, "fact: '%.*s' is neither string nor integer",
                           GW_STR_ARG(json_str(&d, at)));
    }
    size_t from = ret->n;
    if (d.nodes[0].count == 0)
        return GW_OK;
    rc = json_canonical(&d, 0, ret, err);
    if (rc == GW_OK && ret->n - from > max) {
        ret->n = from;
        rc = gw_fail(err, GW_ELIMIT, "fact: more than %zu bytes", max);
    }
    return rc;
}

gw_code record_disclosure_put(gw_buf *b, const uint8_t salt[RECORD_SALT], gw_str name, gw_str value)
{
    gw_buf_puts(b, "[\"");
    digest_put_b64url(b, salt, RECORD_SALT);
    gw_buf_puts(b, "\",");
    json_put_string(b, name);
    gw_buf_putc(b, ',');
    gw_buf_put_str(b, value);
    return gw_buf_putc(b, ']');
}

gw_code record_commitment(gw_str disclosure, char ret[DIGEST_B64URL])
{
    uint8_t hash[DIGEST_BYTES];
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, 2 * disclosure.n + 64);
    digest_put_b64url(&text, disclosure.p, disclosure.n);
    if (text.code != GW_OK)
        return text.code;
    digest_of(text.data, text.n, hash);
    gw_buf_clear(&text);
    digest_put_b64url(&text, hash, sizeof hash);
    if (text.code != GW_OK)
        return text.code;
    memcpy(ret, text.data, DIGEST_B64URL);
    return GW_OK;
}
