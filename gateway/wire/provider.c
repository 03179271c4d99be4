#include "gateway/wire/provider_part.h"

#include "gateway/base/file.h"
#include "gateway/base/json_strict.h"

#include <stdio.h>

/* ---- names ---- */

static const char *const sign_names[PROVIDER_SIGN_COUNT] = {
    [PROVIDER_SIGN_NONE] = "none",       [PROVIDER_SIGN_BASIC] = "basic",
    [PROVIDER_SIGN_BEARER] = "bearer",   [PROVIDER_SIGN_KANNEL] = "kannel",
    [PROVIDER_SIGN_VONAGE] = "vonage",   [PROVIDER_SIGN_ALIYUN] = "aliyun",
    [PROVIDER_SIGN_TENCENT] = "tencent", [PROVIDER_SIGN_STANDARD] = "standard-webhooks",
};

static const char *const verify_names[PROVIDER_VERIFY_COUNT] = {
    [PROVIDER_VERIFY_NONE] = "none",     [PROVIDER_VERIFY_TWILIO] = "twilio",
    [PROVIDER_VERIFY_VONAGE] = "vonage", [PROVIDER_VERIFY_URL_MAC] = "url-mac",
    [PROVIDER_VERIFY_BAIDU] = "baidu",   [PROVIDER_VERIFY_STANDARD] = "standard-webhooks",
};

static const char *const dunning_names[] = {
    [PROVIDER_DUNNING_ALLOWED] = "allowed",
    [PROVIDER_DUNNING_CREDITOR] = "creditor-only",
    [PROVIDER_DUNNING_FORBIDDEN] = "forbidden",
};

/* ---- reading; the schema has checked kinds, limits and words ---- */

static size_t word_index(gw_str word, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_is(word, words[i]))
            return i;
    return 0;
}

static bool is_label(gw_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return s.n > 0 && s.n <= PROVIDER_NAME_MAX;
}

/* {"name": "text", ...} */
static gw_code read_pairs(const json_doc *d, uint32_t object, provider_pair *list, size_t *ret_n,
                          gw_err *err)
{
    if (!object)
        return GW_OK;
    for (uint32_t m = json_first(object); m < json_at(d, object)->next;
         m = json_at(d, m + 1)->next) {
        provider_pair pair = {json_str(d, m), {NULL, 0}};
        if (!is_label(pair.name))
            return json_fail(d, m + 1, err, "names have small letters, digits, _ and -");
        if (json_kind_of(d, m + 1) != JSON_STRING)
            return json_fail(d, m + 1, err, "a string is expected");
        pair.value = json_str(d, m + 1);
        if (!pair.value.p)
            return gw_fail(err, GW_ENOMEM, "reading a provider");
        list[(*ret_n)++] = pair;
    }
    return GW_OK;
}

static int limit_of(const json_doc *d, uint32_t limits, const char *name, int otherwise)
{
    return limits ? (int)json_get_int(d, limits, name, otherwise) : otherwise;
}

static void read_limits(provider *p)
{
    const json_doc *d = &p->file.doc;
    uint32_t l = json_member(d, 0, "limits");
    p->per_second = limit_of(d, l, "per_second", 0);
    p->burst = limit_of(d, l, "burst", p->per_second);
    p->concurrency = limit_of(d, l, "concurrency", 100);
    p->connect_ms = limit_of(d, l, "connect_ms", 5000);
    p->total_ms = limit_of(d, l, "total_ms", 30000);
    p->response_bytes = limit_of(d, l, "response_bytes", 65536);
}

static gw_code read_eligibility(provider *p, gw_err *err)
{
    const json_doc *d = &p->file.doc;
    uint32_t e = json_member(d, 0, "eligibility");
    uint32_t list = json_member(d, e, "prefixes");
    p->dunning = (provider_dunning)word_index(json_get_str(d, e, "dunning"), dunning_names,
                                              GW_COUNT(dunning_names));
    p->approval_required = json_get_bool(d, e, "approval_required", false);
    if (!list)
        return GW_OK;
    for (uint32_t i = json_first(list); i < json_at(d, list)->next; i = json_at(d, i)->next) {
        gw_str prefix = json_str(d, i);
        if (!prefix.p || prefix.p[0] != '+')
            return json_fail(d, i, err, "a prefix begins with +");
        p->prefixes[p->prefix_n++] = prefix;
    }
    return GW_OK;
}

static gw_code read_approvals(provider *p, gw_err *err)
{
    const json_doc *d = &p->file.doc;
    uint32_t list = json_member(d, 0, "approvals");
    if (!list)
        return GW_OK;
    p->approvals =
        gw_arena_alloc(p->file.arena, (json_at(d, list)->count + 1) * sizeof *p->approvals);
    if (!p->approvals)
        return gw_fail(err, GW_ENOMEM, "reading approvals");
    for (uint32_t i = json_first(list); i < json_at(d, list)->next; i = json_at(d, i)->next) {
        provider_approval a = {json_get_str(d, i, "template"),  json_get_str(d, i, "locale"),
                               json_get_str(d, i, "version"),   json_get_str(d, i, "template_id"),
                               json_get_str(d, i, "signature"), json_member(d, i, "params")};
        gw_code rc = GW_OK;
        for (uint32_t m = a.params ? json_first(a.params) : 0;
             a.params && m < json_at(d, a.params)->next && rc == GW_OK; m = json_at(d, m + 1)->next)
            if (json_kind_of(d, m + 1) != JSON_STRING || json_at(d, m + 1)->len == 0 ||
                json_raw(d, m + 1).p[0] != '/')
                rc = json_fail(d, m + 1, err, "a JSON pointer is expected, e.g. /total_open");
        if (rc != GW_OK)
            return rc;
        p->approvals[p->approval_n++] = a;
    }
    return GW_OK;
}

/* ---- what may stand in the texts ---- */

static gw_code check_text(const provider *p, uint32_t node, gw_err *err)
{
    const json_doc *d = &p->file.doc;
    gw_str text = json_str(d, node);
    gw_str name;
    for (size_t at = 0; provider_next_placeholder(text, &at, &name);)
        if (!provider_placeholder_known(p, name))
            return json_fail(d, node, err, "unknown placeholder {%.*s}", GW_STR_ARG(name));
    return GW_OK;
}

/* All strings below node, names apart. Headers take no line breaks. */
static gw_code check_texts(const provider *p, uint32_t node, gw_err *err)
{
    const json_doc *d = &p->file.doc;
    gw_code rc = GW_OK;
    json_kind kind = json_kind_of(d, node);
    if (kind == JSON_STRING)
        return check_text(p, node, err);
    if (kind != JSON_OBJECT && kind != JSON_ARRAY)
        return GW_OK;
    uint32_t skip = kind == JSON_OBJECT ? 1 : 0;
    for (uint32_t m = json_first(node); m < json_at(d, node)->next && rc == GW_OK;
         m = json_at(d, m + skip)->next)
        rc = check_texts(p, m + skip, err);
    return rc;
}

static gw_code check_strings(const provider *p, uint32_t request, const char *member, bool header,
                             gw_err *err)
{
    const json_doc *d = &p->file.doc;
    uint32_t object = json_member(d, request, member);
    if (!object)
        return GW_OK;
    for (uint32_t m = json_first(object); m < json_at(d, object)->next;
         m = json_at(d, m + 1)->next) {
        if (json_kind_of(d, m + 1) != JSON_STRING)
            return json_fail(d, m + 1, err, "a string is expected");
        gw_str name = json_str(d, m);
        gw_str value = json_str(d, m + 1);
        for (size_t i = 0; header && i < name.n + value.n; i++) {
            unsigned char c = (unsigned char)(i < name.n ? name.p[i] : value.p[i - name.n]);
            if (c < 0x20 || c == 0x7F || (i < name.n && (c == ':' || c == ' ')))
                return json_fail(d, m + 1, err, "not fit for an HTTP header");
        }
    }
    return GW_OK;
}

static gw_code check_request(const provider *p, uint32_t request, gw_err *err)
{
    const json_doc *d = &p->file.doc;
    if (json_get_str(d, request, "path").p[0] != '/')
        return json_fail(d, json_member(d, request, "path"), err, "begins with /");
    if (json_member(d, request, "form") && json_member(d, request, "json"))
        return json_fail(d, request, err, "a request has a form or json, not both");
    gw_code rc = check_strings(p, request, "headers", true, err);
    if (rc == GW_OK)
        rc = check_strings(p, request, "query", false, err);
    if (rc == GW_OK)
        rc = check_strings(p, request, "form", false, err);
    return rc == GW_OK ? check_texts(p, request, err) : rc;
}

static gw_code check_rules(const provider *p, gw_err *err)
{
    const json_doc *d = &p->file.doc;
    uint32_t rules = json_member(d, p->answer, "rules");
    for (uint32_t r = json_first(rules); r < json_at(d, rules)->next; r = json_at(d, r)->next) {
        uint32_t http = json_member(d, r, "http");
        for (uint32_t h = json_first(http); h < json_at(d, http)->next; h = json_at(d, h)->next) {
            gw_str s = json_str(d, h);
            bool digit = s.n == 3 && s.p[0] >= '1' && s.p[0] <= '5';
            bool exact = digit && s.p[1] >= '0' && s.p[1] <= '9' && s.p[2] >= '0' && s.p[2] <= '9';
            if (!exact && !(digit && memcmp(s.p + 1, "xx", 2) == 0))
                return json_fail(d, h, err,
                                 "an HTTP code (\"201\") or class (\"4xx\") is expected");
        }
    }
    return GW_OK;
}

static gw_code check_states(const provider *p, uint32_t section, gw_err *err)
{
    const json_doc *d = &p->file.doc;
    uint32_t states = section ? json_member(d, section, "states") : 0;
    if (!states)
        return GW_OK;
    for (uint32_t m = json_first(states); m < json_at(d, states)->next;
         m = json_at(d, m + 1)->next) {
        wire_receipt_state ignored;
        if (json_kind_of(d, m + 1) != JSON_STRING ||
            !wire_receipt_state_parse(json_str(d, m + 1), &ignored))
            return json_fail(d, m + 1, err,
                             "not a state of gateway/wire/receipt.h: accepted, sent, delivered, "
                             "failed, expired, rejected, none");
    }
    return GW_OK;
}

static gw_code check_base(const provider *p, gw_err *err)
{
    provider_url u;
    uint32_t node = json_member(&p->file.doc, 0, "base_url");
    if (!provider_url_parse(p->base_url, &u) || u.path.n > 1 || u.query.n)
        return json_fail(&p->file.doc, node, err,
                         "scheme://host or scheme://host:port is expected, without a path");
    if (!p->loopback && !gw_str_is(u.scheme, "https"))
        return json_fail(&p->file.doc, node, err,
                         "https is needed; http is for this machine only, with \"loopback\": true");
    return GW_OK;
}

/* Unescaping writes into the document's arena, and a provider is read from many threads. */
static gw_code check_plain(const provider *p, gw_err *err)
{
    const json_doc *d = &p->file.doc;
    for (uint32_t i = 0; i < d->n; i++)
        if (json_at(d, i)->escaped)
            return json_fail(d, i, err, "write it without backslashes; UTF-8 may stand as it is");
    return GW_OK;
}

static gw_code check(provider *p, gw_err *err)
{
    gw_code rc = check_base(p, err);
    if (rc == GW_OK)
        rc = check_request(p, p->request, err);
    if (rc == GW_OK && p->query)
        rc = check_request(p, p->query, err);
    if (rc == GW_OK)
        rc = check_rules(p, err);
    if (rc == GW_OK)
        rc = check_states(p, p->query_answer, err);
    return rc == GW_OK ? check_states(p, p->callback, err) : rc;
}

static gw_code read(provider *p, gw_err *err)
{
    const json_doc *d = &p->file.doc;
    p->channel = json_get_str(d, 0, "channel");
    p->base_url = json_get_str(d, 0, "base_url");
    if (p->base_url.n && p->base_url.p[p->base_url.n - 1] == '/')
        p->base_url.n--;
    p->loopback = json_get_bool(d, 0, "loopback", false);
    p->ca_file = json_get_str(d, 0, "ca_file");
    p->idempotent = json_get_bool(d, 0, "idempotent", false);
    p->sign = (provider_sign_scheme)word_index(json_get_str(d, 0, "sign"), sign_names,
                                               PROVIDER_SIGN_COUNT);
    p->verify = (provider_verify_scheme)word_index(json_get_str(d, 0, "verify"), verify_names,
                                                   PROVIDER_VERIFY_COUNT);
    p->request = json_member(d, 0, "request");
    p->answer = json_member(d, 0, "answer");
    p->callback = json_member(d, 0, "callback");
    uint32_t query = json_member(d, 0, "query");
    if (query) {
        p->query = json_member(d, query, "request");
        p->query_answer = json_member(d, query, "answer");
    }
    read_limits(p);
    gw_code rc = read_pairs(d, json_member(d, 0, "settings"), p->settings, &p->setting_n, err);
    if (rc == GW_OK)
        rc = read_pairs(d, json_member(d, 0, "secrets"), p->secrets, &p->secret_n, err);
    if (rc == GW_OK)
        rc = read_eligibility(p, err);
    if (rc == GW_OK)
        rc = read_approvals(p, err);
    return rc == GW_OK ? check(p, err) : rc;
}

static gw_code parse(provider *p, const char *name, gw_str jsonc, const schema *shape, gw_err *err)
{
    if (!is_label(gw_str_of(name)))
        return gw_fail(err, GW_EINVAL, "a provider's name has small letters, digits, _ and -");
    snprintf(p->name, sizeof p->name, "%s", name);
    gw_code rc = jsonc_open(jsonc, PROVIDER_FILE_MAX, &p->file, err);
    if (rc != GW_OK)
        return rc;
    schema_fault fault;
    if (!schema_check(shape, &p->file.doc, 0, &fault))
        return gw_fail(err, GW_EINVAL, "%s: %s", *fault.pointer ? fault.pointer : "/", fault.what);
    rc = check_plain(p, err);
    return rc == GW_OK ? read(p, err) : rc;
}

gw_code provider_parse(const char *name, gw_str jsonc, const schema *shape, provider **ret,
                       gw_err *err)
{
    provider *p = calloc(1, sizeof *p);
    if (!p)
        return gw_fail(err, GW_ENOMEM, "reading a provider");
    gw_code rc = parse(p, name, jsonc, shape, err);
    if (rc != GW_OK) {
        provider_free(p);
        return rc;
    }
    *ret = p;
    return GW_OK;
}

gw_code provider_load(const char *dir, const char *name, provider **ret, gw_err *err)
{
    char path[1024];
    GW_AUTO(schema_free) schema *shape = NULL;
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, PROVIDER_FILE_MAX);
    snprintf(path, sizeof path, "%s/schema/provider.json", dir);
    gw_code rc = schema_load(path, &shape, err);
    snprintf(path, sizeof path, "%s/providers/%s.jsonc", dir, name);
    if (rc == GW_OK)
        rc = gw_file_read(path, &text, err);
    if (rc == GW_OK)
        rc = provider_parse(name, gw_buf_str(&text), shape, ret, err);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "provider %s", name);
}

void provider_free(provider *p)
{
    if (!p)
        return;
    jsonc_close(&p->file);
    free(p);
}

gw_str provider_setting(const provider *p, const char *name)
{
    for (size_t i = 0; i < p->setting_n; i++)
        if (gw_str_is(p->settings[i].name, name))
            return p->settings[i].value;
    return (gw_str){NULL, 0};
}
