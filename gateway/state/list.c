/* list.c - pages of reminders for `job list`.
 *
 * The lists are sorted sets with score 0, hence in id order: a cursor is the place (shard, or open
 * or final list) and the last id given, and stays right whatever joins or leaves meanwhile. A
 * debtor's jobs that are accepted and no more lie in their shard's list w among those of others: it
 * is read in pieces, and what is his is brought into id order here. */
#include "gateway/state/conn.h"

#include <stdio.h>

/* Places in the order they are read: shards 00..63 of a state, or w, p and f of a debtor. */
typedef struct {
    const state_list_query *query;
    unsigned place;
    char after[GW_ID_TEXT]; /* "" = from the start of that place */
} position;

static unsigned places(const state_list_query *q)
{
    return q->did ? 3 : STATE_SHARDS;
}

static gw_code parse_cursor(const char *cursor, position *p, gw_err *err)
{
    gw_id id;
    p->place = 0;
    p->after[0] = '\0';
    if (!*cursor)
        return GW_OK;
    bool good = strlen(cursor) >= 2 && cursor[0] >= '0' && cursor[0] <= '9' && cursor[1] >= '0' &&
                cursor[1] <= '9';
    if (good) {
        p->place = (unsigned)((cursor[0] - '0') * 10 + (cursor[1] - '0'));
        good = p->place < places(p->query) &&
               (!cursor[2] || gw_id_parse(gw_str_of(cursor + 2), &id, NULL) == GW_OK);
    }
    if (!good)
        return gw_fail(err, GW_EINVAL, "list: that is not a cursor of this list");
    snprintf(p->after, sizeof p->after, "%s", cursor + 2);
    return GW_OK;
}

static unsigned shard_at(const position *p)
{
    return p->query->did ? state_shard(p->query->did) : p->place;
}

/* Keep the limit smallest of what was found, in order. */
static void insert(state_ref *at, size_t *n, size_t limit, const gw_id *rid, uint8_t shard)
{
    size_t k = *n;
    while (k > 0 && memcmp(at[k - 1].rid.b, rid->b, sizeof rid->b) > 0)
        k--;
    if (k == limit)
        return;
    *n += *n < limit;
    memmove(at + k + 1, at + k, (*n - k - 1) * sizeof *at);
    at[k] = (state_ref){*rid, shard};
}

static gw_code read_accepted(state *s, const position *p, size_t limit, state_ref *at, size_t *n,
                             gw_err *err)
{
    enum { PIECE = 4096 };
    gw_id after = {{0}};
    char did[GW_ID_TEXT];
    gw_id_format(p->query->did, did);
    if (p->after[0] && gw_id_parse(gw_str_of(p->after), &after, err) != GW_OK)
        return GW_EINVAL;
    for (size_t from = 0, got = PIECE; got == PIECE; from += got) {
        conn_command(s, 4, "LRANGE");
        conn_arg_key(s, shard_at(p), "w", NULL);
        conn_arg_int(s, (int64_t)from);
        conn_arg_int(s, (int64_t)from + PIECE - 1);
        CONN_REPLY *r = NULL;
        gw_code rc = conn_reply(s, &r, err);
        if (rc == GW_OK && r->type != REDIS_REPLY_ARRAY)
            rc = conn_unexpected("LRANGE", err);
        if (rc != GW_OK)
            return rc;
        got = r->elements;
        for (size_t i = 0; i < got && rc == GW_OK; i++) {
            gw_id rid;
            gw_str job = conn_text(r->element[i]);
            if (job.n < GW_ID_TEXT || memcmp(job.p, did, GW_ID_TEXT - 1) != 0)
                continue;
            rc = conn_rid(r->element[i], &rid, err);
            if (rc == GW_OK && (!p->after[0] || memcmp(rid.b, after.b, sizeof rid.b) > 0))
                insert(at, n, limit, &rid, (uint8_t)shard_at(p));
        }
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

static gw_code read_place(state *s, const position *p, size_t limit, state_ref *at, size_t *n,
                          gw_err *err)
{
    const char by_state[] = {'k', ':', p->query->by_state, '\0'};
    const char *kind = !p->query->did ? by_state : p->place == 1 ? "p" : "f";
    *n = 0;
    if (p->query->did && p->place == 0)
        return read_accepted(s, p, limit, at, n, err);
    conn_command(s, 7, "ZRANGEBYLEX");
    conn_arg_key(s, shard_at(p), kind, NULL);
    if (p->query->did) {
        conn_arg_of_debtor(s, p->query->did, p->after);
    } else {
        char from[GW_ID_TEXT + 1];
        snprintf(from, sizeof from, "%s%s", p->after[0] ? "(" : "-", p->after);
        conn_arg_z(s, from);
        conn_arg_z(s, "+");
    }
    conn_arg_z(s, "LIMIT");
    conn_arg_z(s, "0");
    conn_arg_int(s, (int64_t)limit);
    CONN_REPLY *r = NULL;
    gw_code rc = conn_reply(s, &r, err);
    if (rc != GW_OK)
        return rc;
    if (r->type != REDIS_REPLY_ARRAY || r->elements > limit)
        return conn_unexpected("ZRANGEBYLEX", err);
    for (size_t i = 0; i < r->elements && rc == GW_OK; i++) {
        at[i].shard = (uint8_t)shard_at(p);
        rc = conn_rid(r->element[i], &at[i].rid, err);
    }
    *n = r->elements;
    return rc;
}

gw_code state_list(state *s, const state_list_query *query, const char *cursor, size_t limit,
                   gw_arena *arena, state_ref **ret, size_t *ret_n,
                   char ret_cursor[STATE_CURSOR_TEXT], gw_err *err)
{
    position p = {.query = query};
    if (limit == 0 || limit > STATE_LIST_MAX)
        return gw_fail(err, GW_EINVAL, "list: 1..%d reminders on a page", STATE_LIST_MAX);
    if (!query->did && (!query->by_state || !strchr("HUQh", query->by_state)))
        return gw_fail(err, GW_EINVAL, "list: by debtor, or by one of the states H U Q, or h");
    gw_code rc = parse_cursor(cursor, &p, err);
    if (rc != GW_OK)
        return rc;
    state_ref *refs = gw_arena_alloc(arena, limit * sizeof *refs);
    if (!refs)
        return gw_fail(err, GW_ENOMEM, "list: the page does not fit the arena");
    size_t n = 0;
    rc = conn_begin(s, false, err);
    while (rc == GW_OK && n < limit && p.place < places(query)) {
        size_t got = 0;
        rc = read_place(s, &p, limit - n, refs + n, &got, err);
        n += got;
        if (n < limit) { /* this place is finished */
            p.place++;
            p.after[0] = '\0';
        } else if (got) {
            gw_id_format(&refs[n - 1].rid, p.after);
        }
    }
    conn_end(s);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "listing reminders");
    ret_cursor[0] = '\0';
    if (p.place < places(query))
        snprintf(ret_cursor, STATE_CURSOR_TEXT, "%02u%s", p.place % 100, p.after);
    *ret = refs;
    *ret_n = n;
    return GW_OK;
}
