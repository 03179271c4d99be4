#include "gateway/dispatch/flight.h"

void token_make(uint8_t shard, char ret_tok[TOKEN_TEXT])
{
    gw_id id;
    gw_id_random(&id);
    ret_tok[0] = (char)('0' + shard / 10);
    ret_tok[1] = (char)('0' + shard % 10);
    gw_id_format(&id, ret_tok + 2);
}

int token_shard(gw_str tok)
{
    if (tok.n != TOKEN_TEXT - 1 || tok.p[0] < '0' || tok.p[0] > '9' || tok.p[1] < '0' ||
        tok.p[1] > '9')
        return -1;
    int shard = (tok.p[0] - '0') * 10 + tok.p[1] - '0';
    return shard < STATE_SHARDS ? shard : -1;
}

static size_t bucket_of(const gw_id *rid)
{
    uint32_t h;
    memcpy(&h, rid->b, sizeof h); /* ids are hashes already */
    return h % FLIGHT_BUCKETS;
}

static gw_str keep(char **at, gw_str s)
{
    gw_str kept = {*at, s.n};
    if (s.n)
        memcpy(*at, s.p, s.n);
    (*at)[s.n] = '\0';
    *at += s.n + 1;
    return kept;
}

flight *flight_new(const view_reminder *r, const gw_id *did, gw_str tok, gw_str cap,
                   gw_str template_version, gw_str message_id, gw_str to)
{
    gw_str case_id = r->case_id.n ? r->case_id : r->job;
    gw_str texts[] = {r->source, r->debtor,        case_id,    r->channel, r->template,
                      cap,       template_version, message_id, to};
    size_t n = 0;
    for (size_t i = 0; i < GW_COUNT(texts); i++)
        n += texts[i].n + 1;
    flight *f = calloc(1, sizeof *f + n);
    if (!f)
        return NULL;
    char *at = (char *)(f + 1);
    f->rid = r->rid;
    f->did = *did;
    f->shard = state_shard(did);
    f->state = r->state;
    f->kind = r->kind;
    f->attempt = r->attempts;
    f->starts = r->starts;
    f->failed = r->failed;
    f->version = r->version;
    f->debtor_version = -1;
    f->not_after_ms = r->not_after_ms;
    gw_id_format(&r->rid, f->rid_text);
    if (tok.n && tok.n < sizeof f->tok)
        memcpy(f->tok, tok.p, tok.n);
    f->source = keep(&at, r->source);
    f->debtor = keep(&at, r->debtor);
    f->case_id = keep(&at, case_id);
    f->channel = keep(&at, r->channel);
    f->template_name = keep(&at, r->template);
    f->cap = keep(&at, cap);
    f->template_version = keep(&at, template_version);
    f->message_id = keep(&at, message_id);
    f->to = keep(&at, to);
    return f;
}

void flight_free(flight *f)
{
    free(f);
}

static size_t *count_of(flight_table *t, const flight *f)
{
    return f->state == 'S' ? &t->sending : &t->claimed;
}

void flight_add(flight_table *t, flight *f)
{
    size_t b = bucket_of(&f->rid);
    f->next = t->buckets[b];
    t->buckets[b] = f;
    t->n++;
    ++*count_of(t, f);
}

flight *flight_find(const flight_table *t, const gw_id *rid)
{
    for (flight *f = t->buckets[bucket_of(rid)]; f; f = f->next)
        if (memcmp(f->rid.b, rid->b, sizeof rid->b) == 0)
            return f;
    return NULL;
}

void flight_remove(flight_table *t, flight *f)
{
    flight **at = &t->buckets[bucket_of(&f->rid)];
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    t->n--;
    --*count_of(t, f);
    flight_free(f);
}

void flight_set_state(flight_table *t, flight *f, char letter)
{
    --*count_of(t, f);
    f->state = letter;
    ++*count_of(t, f);
}

void flight_each(flight_table *t, void (*visit)(void *arg, flight *f), void *arg)
{
    for (size_t b = 0; b < FLIGHT_BUCKETS && t->n; b++)
        for (flight *f = t->buckets[b], *next; f; f = next) {
            next = f->next;
            visit(arg, f);
        }
}

void flight_clear(flight_table *t)
{
    for (size_t b = 0; b < FLIGHT_BUCKETS; b++)
        while (t->buckets[b])
            flight_remove(t, t->buckets[b]);
}

void flight_view(const flight *f, view_reminder *ret)
{
    *ret = (view_reminder){
        .rid = f->rid,
        .version = f->version,
        .state = f->state,
        .kind = f->kind,
        .source = f->source,
        .debtor = f->debtor,
        .case_id = f->case_id,
        .channel = f->channel,
        .template = f->template_name,
        .template_version = f->template_version,
        .cap = f->cap,
        .attempts = f->attempt,
        .starts = f->starts,
        .failed = f->failed,
        .tok = {f->tok, strlen(f->tok)},
        .not_after_ms = f->not_after_ms,
    };
}
