/* desk_take.c - verb `call`: next and take. The best open task, or one by its name, is leased to
 * one agent; of two who read the same task the one whose transition comes first has it. */
#include "gateway/dispatch/desk.h"

enum { TOKEN_BYTES = 16 };

/* *ret_taken false: another agent, or dispatch, was faster. */
static gw_code lease(desk *k, const loaded *l, const decision *decided, bool *ret_taken,
                     gw_buf *ret)
{
    uint8_t bytes[TOKEN_BYTES];
    char tok[2 * TOKEN_BYTES + 1];
    gw_id random;
    desk_memory m;
    state_verdict verdict;
    gw_id_random(&random);
    memcpy(bytes, random.b, sizeof bytes);
    gw_hex(bytes, sizeof bytes, tok);
    desk_memory_read(&l->r, k->ask->arena, &m);
    m.lease++;
    m.dialled_ms = 0;
    m.confirmed = false;
    change c = desk_change(k, l, "leased");
    c.debtor_version = l->d->version;
    c.due_ms = k->ask->now.ms + k->rules.lease_ms;
    if (c.due_ms > decided->deadline_ms)
        c.due_ms = decided->deadline_ms; /* the window's end is the lease's end */
    c.tok = gw_str_of(tok);
    c.agent = k->agent;
    c.desk = desk_memory_text(&m, k->ask->arena);
    if (!c.desk.p)
        return desk_no_memory(k);
    gw_code rc = desk_apply(k, l, &c, ON_LEASE, &verdict);
    *ret_taken = rc == GW_OK && verdict == STATE_OK;
    return *ret_taken ? desk_show(k, l, decided, &m, "leased", c.due_ms, ret) : rc;
}

typedef struct {
    loaded *list;
    size_t n, mine;
    const loaded *held; /* one of this agent's own */
} hands;

static gw_code look_at_hands(desk *k, hands *ret)
{
    static const char states[] = {LIFE_LEASED, LIFE_TALKING};
    *ret = (hands){0};
    ret->list = gw_arena_alloc(k->ask->arena, 2 * DESK_HANDS_MAX * sizeof *ret->list);
    if (!ret->list)
        return desk_no_memory(k);
    for (size_t s = 0; s < GW_COUNT(states); s++) {
        loaded *list;
        size_t n;
        gw_code rc = desk_load(k, states[s], DESK_HANDS_MAX, &list, &n);
        if (rc != GW_OK)
            return rc;
        for (size_t i = 0; i < n; i++) {
            if (list[i].code != GW_OK || list[i].r.state != states[s])
                continue;
            loaded *to = &ret->list[ret->n++];
            *to = list[i];
            if (!gw_str_eq(to->r.agent, k->agent))
                continue;
            ret->mine++;
            ret->held = to;
        }
    }
    return GW_OK;
}

/* Two people do not call one debtor at the same time. */
static bool debtor_is_busy(const hands *h, const gw_id *did)
{
    for (size_t i = 0; i < h->n; i++)
        if (memcmp(h->list[i].did.b, did->b, sizeof did->b) == 0)
            return true;
    return false;
}

typedef struct {
    const loaded *l;
    decision *decided;
    int64_t score;
} candidate;

/* Rank, and the bonus of a predicted moment that is now. */
static int64_t score_of(const desk *k, const loaded *l)
{
    desk_memory m;
    desk_memory_read(&l->r, k->ask->arena, &m);
    int64_t age = k->ask->now.ms - m.opened_ms;
    return l->r.rank + (age >= 0 && age < DESK_MOMENT_MS ? DESK_MOMENT_BONUS : 0);
}

static int better(const void *a, const void *b)
{
    const candidate *x = a;
    const candidate *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

static bool is_asked_for(const desk *k, const loaded *l)
{
    gw_str channel = json_get_str(k->ask->body, 0, "channel");
    return l->code == GW_OK && l->r.state == LIFE_OPEN && l->r.readable &&
           (!channel.n || gw_str_eq(channel, l->r.channel)) &&
           (!k->ask->source.n || gw_str_eq(k->ask->source, l->r.source));
}

static gw_code choose(desk *k, const hands *h, loaded *list, size_t n, bool *ret_taken, gw_buf *ret)
{
    candidate found[DESK_CHUNK];
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_asked_for(k, &list[i]) || debtor_is_busy(h, &list[i].did))
            continue;
        candidate c = {&list[i], NULL, score_of(k, &list[i])};
        gw_code rc = desk_decide(k, c.l, &c.decided);
        if (rc != GW_OK)
            return rc;
        if (desk_is_now(c.decided))
            found[m++] = c;
        else
            desk_have_looked_at(k, c.l);
    }
    qsort(found, m, sizeof *found, better);
    for (size_t i = 0; i < m && !*ret_taken; i++) {
        gw_code rc = lease(k, found[i].l, found[i].decided, ret_taken, ret);
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

static gw_code take_best(desk *k, const hands *h, gw_buf *ret)
{
    state_ref *refs;
    size_t n;
    bool taken = false;
    gw_code rc =
        state_tasks(k->ask->store, LIFE_OPEN, DESK_LOOK_MAX, k->ask->arena, &refs, &n, k->err);
    for (size_t at = 0; at < n && rc == GW_OK && !taken; at += DESK_CHUNK) {
        loaded *list;
        size_t chunk = n - at < DESK_CHUNK ? n - at : DESK_CHUNK;
        rc = load_reminders(k->ask->store, k->q->cfg->id_key, refs + at, chunk, true, k->ask->arena,
                            &list, k->err);
        if (rc == GW_OK)
            rc = choose(k, h, list, chunk, &taken, ret);
    }
    if (rc != GW_OK || taken)
        return rc;
    gw_buf_puts(ret, "{\"verdict\":\"accepted\"");
    query_put_time(ret, "at", k->ask->now.ms);
    json_put_member_raw(ret, "task", GW_STR("null"));
    gw_buf_putc(ret, '}');
    return GW_OK;
}

gw_code desk_next(desk *k, gw_buf *ret)
{
    hands h;
    gw_code rc = look_at_hands(k, &h);
    if (rc != GW_OK)
        return rc;
    return h.mine >= (size_t)k->rules.per_agent ? desk_show_held(k, h.held, ret)
                                                : take_best(k, &h, ret);
}

/* The task somebody asked for by name. */
gw_code desk_take(desk *k, gw_buf *ret)
{
    hands h;
    loaded *l;
    decision *decided;
    gw_code rc = look_at_hands(k, &h);
    if (rc == GW_OK && h.mine >= (size_t)k->rules.per_agent)
        rc = gw_fail(k->err, GW_ECONFLICT, "you have %zu already; record or release that first",
                     h.mine);
    for (int i = 0; i < DESK_TRIES && rc == GW_OK; i++) {
        bool taken;
        rc = desk_find(k, &l);
        if (rc == GW_OK && l->r.state != LIFE_OPEN)
            rc = gw_fail(k->err, GW_ECONFLICT, "the task is %s, not open",
                         life_state_name((life_state)l->r.state));
        if (rc == GW_OK && debtor_is_busy(&h, &l->did))
            rc = gw_fail(k->err, GW_ECONFLICT, "somebody is on another task of this debtor");
        if (rc == GW_OK)
            rc = desk_decide(k, l, &decided);
        if (rc == GW_OK && !desk_is_now(decided))
            return desk_refused(k, l, decided);
        if (rc == GW_OK)
            rc = lease(k, l, decided, &taken, ret);
        if (rc == GW_OK && taken)
            return GW_OK;
    }
    return rc != GW_OK ? rc : desk_keeps_moving(k);
}
