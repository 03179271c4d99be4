#include "gateway/state/head.h"

#include "gateway/state/netstring.h"

#include <inttypes.h>
#include <stdio.h>

void head_pack(const state_job *job, gw_wall at, gw_buf *ret)
{
    char did[GW_ID_TEXT], ms[24];
    gw_id_format(&job->did, did);
    snprintf(ms, sizeof ms, "%" PRId64, at.ms);
    const gw_str parts[HEAD_PARTS] = {
        [HEAD_DID] = {did, GW_ID_TEXT - 1}, [HEAD_AT] = gw_str_of(ms),  [HEAD_SOURCE] = job->source,
        [HEAD_DEBTOR] = job->debtor,        [HEAD_CASE] = job->case_id, [HEAD_JOB] = job->job,
        [HEAD_CHANNEL] = job->channel,
    };
    for (size_t i = 0; i < HEAD_BODY; i++)
        netstring_put(ret, parts[i]);
    gw_buf_put_str(ret, job->body);
}

gw_code head_unpack(gw_str a, gw_arena *arena, gw_str ret[HEAD_PARTS], gw_err *err)
{
    bool good = true;
    for (size_t i = 0; good && i < HEAD_BODY; i++)
        good = netstring_next(&a, &ret[i]);
    if (!good)
        return gw_fail(err, GW_ECORRUPT, "field a of a reminder does not have the form of head.h");
    ret[HEAD_BODY] = a;
    for (size_t i = 0; arena && i < HEAD_BODY; i++) {
        ret[i].p = gw_arena_copy(arena, ret[i]);
        if (!ret[i].p)
            return gw_fail(err, GW_ENOMEM, "a reminder does not fit the arena");
    }
    return GW_OK;
}

static const struct {
    const char *name;
    int part;          /* of a, or -1: the fixed value */
    const char *fixed; /* what it is until somebody writes it */
} virtual_fields[] = {
    {"did", HEAD_DID, NULL},    {"at", HEAD_AT, NULL},    {"src", HEAD_SOURCE, NULL},
    {"deb", HEAD_DEBTOR, NULL}, {"cas", HEAD_CASE, NULL}, {"job", HEAD_JOB, NULL},
    {"ch", HEAD_CHANNEL, NULL}, {"k", -1, "j"},           {"b", HEAD_BODY, NULL},
};

/* Field v, "<version><state><due>", as three; before it is written: what accepting means. */
static gw_code split_version(gw_str v, const gw_str head[HEAD_PARTS], gw_arena *arena,
                             state_field ret[3], gw_err *err)
{
    gw_str text[3] = {GW_STR("1"), GW_STR("A"), head[HEAD_AT]};
    if (v.p) {
        size_t digits = 0;
        while (digits < v.n && v.p[digits] >= '0' && v.p[digits] <= '9')
            digits++;
        if (digits == 0 || digits == v.n)
            return gw_fail(err, GW_ECORRUPT,
                           "field v of a reminder does not have the form of head.h");
        const gw_str parts[3] = {
            {v.p, digits}, {v.p + digits, 1}, {v.p + digits + 1, v.n - digits - 1}};
        for (size_t i = 0; i < 3; i++)
            text[i] = (gw_str){gw_arena_copy(arena, parts[i]), parts[i].n};
    }
    static const char *const names[3] = {"v", "s", "due"};
    for (size_t i = 0; i < 3; i++) {
        if (!text[i].p)
            return gw_fail(err, GW_ENOMEM, "a reminder does not fit the arena");
        ret[i] = (state_field){gw_str_of(names[i]), text[i]};
    }
    return GW_OK;
}

gw_code head_expand(state_hash *h, gw_arena *arena, gw_err *err)
{
    gw_str a = state_get(h, HEAD_FIELD), v = state_get(h, "v"), parts[HEAD_PARTS] = {{0}};
    if (!a.p && !v.p)
        return GW_OK;
    gw_code rc = head_is_job(a) ? head_unpack(a, arena, parts, err) : GW_OK;
    if (rc != GW_OK)
        return rc;
    enum { MORE = GW_COUNT(virtual_fields) + 3 }; /* that, and v s due */
    state_field *fields = gw_arena_alloc(arena, (h->n + MORE) * sizeof *fields);
    if (!fields)
        return gw_fail(err, GW_ENOMEM, "a reminder does not fit the arena");
    rc = split_version(v, parts, arena, fields, err);
    if (rc != GW_OK)
        return rc;
    size_t n = fields[2].value.n ? 3 : 2; /* it may never have been due */
    for (size_t i = 0; i < h->n; i++)
        if (!gw_str_is(h->fields[i].name, HEAD_FIELD) && !gw_str_is(h->fields[i].name, "v"))
            fields[n++] = h->fields[i];
    if (a.p && !head_is_job(a))
        fields[n++] = (state_field){GW_STR("did"), a};
    for (size_t i = 0; head_is_job(a) && i < GW_COUNT(virtual_fields); i++) {
        const char *name = virtual_fields[i].name;
        int part = virtual_fields[i].part;
        if (!state_get(h, name).p)
            fields[n++] = (state_field){
                gw_str_of(name), part < 0 ? gw_str_of(virtual_fields[i].fixed) : parts[part]};
    }
    if (!h->version)
        h->version = 1;
    h->fields = fields;
    h->n = n;
    return GW_OK;
}
