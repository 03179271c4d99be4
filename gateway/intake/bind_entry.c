#include "gateway/intake/bind.h"

#include "gateway/base/time.h"

#include <stdio.h>

static void put_word(gw_buf *b, const char *name, gw_str value)
{
    if (value.n)
        json_put_member_str(b, name, value);
}

void bind_entry_name(const teller *t, const bind_entry *e, char ret_name[GW_ID_TEXT + 2])
{
    gw_id id;
    char text[GW_ID_TEXT];
    gw_str parts[] = {GW_STR("s"), e->status,  e->suppression, e->channel,
                      e->scope,    e->purpose, e->debt,        e->source};
    gw_id_keyed(t->id_key, parts, GW_COUNT(parts), &id);
    gw_id_format(&id, text);
    snprintf(ret_name, GW_ID_TEXT + 2, "s:%s", text);
}

gw_code bind_entry_write(const bind_entry *e, gw_buf *ret, gw_err *err)
{
    gw_buf_putc(ret, '{');
    json_put_member_str(ret, "status", e->status);
    put_word(ret, "suppression", e->suppression);
    json_put_member_str(ret, "channel", e->channel);
    json_put_member_str(ret, "scope", e->scope);
    put_word(ret, "purpose", e->purpose);
    put_word(ret, "debt", e->debt);
    put_word(ret, "source", e->source);
    json_put_member_str(ret, "said", e->said);
    json_put_member_int(ret, "at_ms", e->at_ms);
    gw_buf_putc(ret, '}');
    return gw_buf_code(ret, "what was said at an address", err);
}

gw_code bind_entry_read(gw_str stored, gw_str address, gw_arena *arena, bind_entry *ret,
                        gw_err *err)
{
    json_doc *d = gw_arena_alloc(arena, sizeof *d);
    if (!d)
        return gw_fail(err, GW_ENOMEM, "reading what was said at an address");
    gw_code rc = json_parse(stored, arena, d, err);
    if (rc != GW_OK || json_kind_of(d, 0) != JSON_OBJECT)
        return gw_fail(err, rc == GW_ENOMEM ? rc : GW_ECORRUPT,
                       "what was said at an address cannot be read");
    *ret = (bind_entry){
        .channel = json_get_str(d, 0, "channel"),
        .address = address,
        .scope = json_get_str(d, 0, "scope"),
        .status = json_get_str(d, 0, "status"),
        .suppression = json_get_str(d, 0, "suppression"),
        .purpose = json_get_str(d, 0, "purpose"),
        .debt = json_get_str(d, 0, "debt"),
        .source = json_get_str(d, 0, "source"),
        .said = json_get_str(d, 0, "said"),
        .at_ms = json_get_int(d, 0, "at_ms", 0),
    };
    return GW_OK;
}

bool bind_entry_fits(const bind_entry *e)
{
    bool mailbox = memchr(e->address.p, '@', e->address.n) != NULL;
    return mailbox == gw_str_is(e->channel, "email");
}

/* The same thing said has the same id, whichever way it reaches a debtor. */
static void put_id(const teller *t, const bind_entry *e, gw_buf *ret)
{
    char at[24], text[GW_ID_TEXT];
    gw_id id;
    snprintf(at, sizeof at, "%lld", (long long)e->at_ms);
    gw_str parts[] = {GW_STR("i"), e->address, e->status, e->suppression, e->channel,   e->scope,
                      e->purpose,  e->debt,    e->source, e->said,        gw_str_of(at)};
    gw_id_keyed(t->id_key, parts, GW_COUNT(parts), &id);
    gw_id_format(&id, text);
    json_put_name(ret, "id");
    gw_buf_printf(ret, "\"address:%s\"", text);
}

gw_code bind_entry_body(const teller *t, const bind_entry *e, gw_str debtor, gw_buf *ret,
                        gw_err *err)
{
    char at[GW_TIME_TEXT];
    gw_time_format((gw_wall){e->at_ms}, at);
    gw_buf_putc(ret, '{');
    put_id(t, e, ret);
    json_put_member_str(ret, "debtor", debtor);
    json_put_member_str(ret, "channel", e->channel);
    if (bind_entry_fits(e))
        json_put_member_str(ret, "address", e->address);
    json_put_member_str(ret, "status", e->status);
    put_word(ret, "suppression", e->suppression);
    put_word(ret, "purpose", e->purpose);
    put_word(ret, "debt", e->debt);
    json_put_member_str(ret, "scope", e->scope);
    json_put_member_str(ret, "at", gw_str_of(at));
    json_put_name(ret, "source");
    gw_buf_puts(ret, "\"said at the same address\"");
    gw_buf_putc(ret, '}');
    return gw_buf_code(ret, "an entry of the ledger", err);
}

static bool is_apart(const bind_apart *apart, gw_str source)
{
    for (size_t i = 0; apart && i < apart->n; i++)
        if (gw_str_is(source, apart->names[i]))
            return true;
    return false;
}

bool bind_entry_counts(const bind_apart *apart, const bind_entry *e, gw_str source)
{
    if (!e->source.n || gw_str_eq(e->source, source))
        return true;
    if (gw_str_is(e->scope, "debt"))
        return false; /* another billing system's names */
    return gw_str_is(e->status, "suppressed") ||
           (!is_apart(apart, e->source) && !is_apart(apart, source));
}
