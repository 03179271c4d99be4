#include "gateway/state/record.h"

#include "gateway/state/netstring.h"

#include <inttypes.h>
#include <stdio.h>

enum { PARTS = 13 };

static void put_number(gw_buf *b, int64_t v)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%" PRId64, v);
    netstring_put(b, (gw_str){text, (size_t)n});
}

static bool is_object(gw_str s)
{
    return s.n >= 2 && s.p[0] == '{' && s.p[s.n - 1] == '}';
}

gw_code record_check(const state_record *r, gw_err *err)
{
    if (!r->event || !*r->event)
        return gw_fail(err, GW_EINVAL, "outbox record without an event name");
    if (r->fact.n && !is_object(r->fact))
        return gw_fail(err, GW_EINVAL, "outbox record %s: fact is not a JSON object", r->event);
    if (r->priv.n && !is_object(r->priv))
        return gw_fail(err, GW_EINVAL, "outbox record %s: priv is not a JSON object", r->event);
    if (r->with_body && !r->rid.n)
        return gw_fail(err, GW_EINVAL, "outbox record %s: with_body needs a rid", r->event);
    if (strlen(r->event) + r->source.n + r->debtor.n + r->case_id.n + r->rid.n + r->why.n +
            r->fact.n + r->priv.n + r->blobs.n >
        STATE_RECORD_MAX)
        return gw_fail(err, GW_ELIMIT, "outbox record %s is larger than %d bytes", r->event,
                       STATE_RECORD_MAX);
    return GW_OK;
}

void record_pack(const state_record *r, gw_buf *ret)
{
    netstring_put(ret, gw_str_of(r->event));
    put_number(ret, r->t.ms);
    netstring_put(ret, r->source);
    netstring_put(ret, r->debtor);
    netstring_put(ret, r->case_id);
    netstring_put(ret, r->rid);
    put_number(ret, r->attempt);
    netstring_put(ret, r->why);
    put_number(ret, r->level);
    netstring_put(ret, r->fact);
    netstring_put(ret, r->priv);
    netstring_put(ret, r->with_body ? GW_STR("b") : GW_STR(""));
    netstring_put(ret, r->blobs);
}

static bool number(gw_str s, int64_t *ret)
{
    char text[24];
    if (!s.n || s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    char *end;
    *ret = strtoll(text, &end, 10);
    return *end == '\0';
}

gw_code record_unpack(gw_str packed, gw_arena *arena, state_record *ret, gw_err *err)
{
    gw_str part[PARTS];
    gw_str rest = packed;
    bool good = true;
    for (size_t i = 0; good && i < PARTS; i++)
        good = netstring_next(&rest, &part[i]);
    int64_t t = 0, attempt = 0, level = 0;
    good = good && rest.n == 0 && part[0].n && number(part[1], &t) && number(part[6], &attempt) &&
           number(part[8], &level);
    if (!good)
        return gw_fail(err, GW_ECORRUPT, "an outbox record is not of format 1");
    for (size_t i = 0; i < PARTS; i++) {
        part[i].p = gw_arena_copy(arena, part[i]);
        if (!part[i].p)
            return gw_fail(err, GW_ENOMEM, "reading an outbox record");
    }
    *ret = (state_record){
        .event = part[0].p,
        .t = {t},
        .source = part[2],
        .debtor = part[3],
        .case_id = part[4],
        .rid = part[5],
        .attempt = (int)attempt,
        .why = part[7],
        .level = (int)level,
        .fact = part[9],
        .priv = part[10],
        .with_body = gw_str_is(part[11], "b"),
        .blobs = part[12],
    };
    return GW_OK;
}
