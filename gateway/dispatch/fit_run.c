#include "gateway/dispatch/fit_run.h"

#include "gateway/base/json.h"
#include "gateway/dispatch/model_keep.h"
#include "gateway/dispatch/unlearned.h"
#include "gateway/state/histories.h"
#include "gateway/wire/event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

enum { PIECE_BYTES = 16 << 20 };

typedef struct {
    uint64_t key; /* hash of the debtor's key */
    size_t first;
    uint32_t n;
    uint8_t segment;
} found;

typedef struct {
    found *list;
    size_t n, cap;
    fit_contact *contacts;
    size_t used, room;
    size_t damaged;
    facts_context facts; /* who is switched off */
} gathered;

static uint64_t hash_of(gw_str s)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
    return h;
}

static bool make_room(gathered *g)
{
    if (g->n == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 1024;
        found *list = realloc(g->list, cap * sizeof *list);
        if (!list)
            return false;
        g->list = list;
        g->cap = cap;
    }
    if (g->used + HISTORY_MAX > g->room) {
        size_t room = g->room ? g->room * 2 : 65536;
        fit_contact *contacts = realloc(g->contacts, room * sizeof *contacts);
        if (!contacts)
            return false;
        g->contacts = contacts;
        g->room = room;
    }
    return true;
}

static gw_code take(gathered *g, const state_history *s, gw_err *err)
{
    history h;
    if (s->history.n == 0 || unlearned_source(&g->facts, s->source))
        return GW_OK;
    if (history_read(s->history, &h, NULL) != GW_OK) {
        g->damaged++;
        return GW_OK;
    }
    if (!make_room(g))
        return gw_fail(err, GW_ENOMEM, "gathering histories");
    unsigned segment = s->segment.n == 1 ? (unsigned)(s->segment.p[0] - '0') : 0;
    g->list[g->n++] =
        (found){hash_of(s->key), g->used, h.n, (uint8_t)(segment < TIMING_SEGMENTS ? segment : 0)};
    g->used += fit_pack(&h, g->contacts + g->used);
    return GW_OK;
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const found *)a)->key;
    uint64_t y = ((const found *)b)->key;
    return (x > y) - (x < y);
}

static gw_code gather(state *s, gathered *g, gw_err *err)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(PIECE_BYTES);
    char cursor[24] = "0";
    gw_code rc = arena ? GW_OK : gw_fail(err, GW_ENOMEM, "reading histories");
    do {
        state_history *list = NULL;
        size_t n = 0;
        if (rc == GW_OK)
            rc = state_histories(s, cursor, arena, &list, &n, err);
        for (size_t i = 0; rc == GW_OK && i < n; i++)
            rc = take(g, &list[i], err);
        if (arena)
            gw_arena_reset(arena);
    } while (rc == GW_OK && strcmp(cursor, "0") != 0);
    qsort(g->list, g->n, sizeof *g->list, by_key); /* the order of the store must not matter */
    return rc;
}

/* Persons for the fit; a debtor the store gave twice counts once. */
static fit_person *persons_of(const gathered *g, size_t *ret_n)
{
    fit_person *persons = calloc(g->n + 1, sizeof *persons);
    *ret_n = 0;
    for (size_t i = 0; persons && i < g->n; i++)
        if (i == 0 || g->list[i].key != g->list[i - 1].key)
            persons[(*ret_n)++] =
                (fit_person){g->contacts + g->list[i].first, g->list[i].n, g->list[i].segment};
    return persons;
}

/* ---- one fit of a file at a time ---- */

static gw_code lock_file(const char *file, int *ret_fd, gw_err *err)
{
    char path[MODEL_PATH_MAX + 8];
    snprintf(path, sizeof path, "%.1000s.lock", file);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return gw_fail_errno(err, errno, "opening %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return gw_fail(err, GW_EBUSY, "another fit of %s runs", file);
    }
    *ret_fd = fd;
    return GW_OK;
}

static timing_model *begin(const fit_order *o)
{
    char part[MODEL_PATH_MAX + 8];
    timing_model *m = NULL;
    snprintf(part, sizeof part, "%.1000s.part", o->file);
    if (!o->fresh && model_keep_load(part, &m, NULL) != GW_OK)
        (void)!model_keep_load(o->file, &m, NULL);
    return m ? m : timing_model_new();
}

/* ---- its record ---- */

static gw_code record(state *store, const fit_order *o, const fit_done *done, const char *before,
                      gw_err *err)
{
    GW_AUTO_BUF gw_buf fact;
    gw_buf_init(&fact, 1024);
    gw_buf_putc(&fact, '{');
    json_put_member_str(&fact, "by", gw_str_of(o->by));
    json_put_member_str(&fact, "version", gw_str_of(done->version));
    if (before[0])
        json_put_member_str(&fact, "before", gw_str_of(before));
    json_put_member_str(&fact, "model", done->kind == MODEL_B ? GW_STR("b") : GW_STR("a"));
    json_put_member_int(&fact, "contacts", (int64_t)done->report.contacts);
    json_put_member_int(&fact, "debtors", (int64_t)done->report.persons);
    json_put_member_int(&fact, "judges", (int64_t)done->report.judges);
    json_put_member_int(&fact, "loss_a_ppm", (int64_t)(done->report.loss_a * 1e6));
    json_put_member_int(&fact, "loss_b_ppm", (int64_t)(done->report.loss_b * 1e6));
    gw_buf_putc(&fact, '}');
    const state_record rec = {
        .event = EVENT_MODEL, .t = o->now, .why = GW_STR("fitted"), .fact = gw_buf_str(&fact)};
    const state_txn txn = {.debtor_version = -1, .version = -1, .records = &rec, .record_n = 1};
    state_verdict verdict;
    gw_code rc = gw_buf_code(&fact, "the record of a fit", err);
    return rc == GW_OK ? state_apply(store, &txn, 1, &verdict, err) : rc;
}

/* ---- all of it ---- */

static gw_code read_switches(state *store, const fit_order *o, gw_arena *arena, state_hash *control,
                             gathered *g, gw_err *err)
{
    gw_code rc = state_control_get(store, arena, control, err);
    g->facts = (facts_context){.control = control, .sources = o->sources, .source_n = o->source_n};
    return rc;
}

static gw_code fit_gathered(const fit_order *o, gathered *g, timing_model *m, fit_done *done,
                            gw_err *err)
{
    size_t n = 0;
    fit_person *persons = persons_of(g, &n);
    if (!persons)
        return gw_fail(err, GW_ENOMEM, "fitting");
    const fit_log log = {persons, n};
    gw_code rc = timing_fit(&log, &o->options, m, &done->report);
    free(persons);
    if (rc != GW_ECLOSED)
        return rc == GW_OK ? rc : gw_fail(err, rc, "fitting");
    rc = model_keep_part(o->file, m, err);
    return rc == GW_OK
               ? gw_fail(err, GW_EBUSY, "stopped; the next fit goes on from %s.part", o->file)
               : rc;
}

/* The record first: what is in force was always announced in the log before. */
static gw_code put_in_force(state *store, const fit_order *o, timing_model *m, const char *before,
                            fit_done *done, gw_err *err)
{
    char part[MODEL_PATH_MAX + 8];
    done->kind = m->kind;
    gw_code rc = model_keep_name(m, err);
    memcpy(done->version, m->version, sizeof done->version);
    if (rc == GW_OK)
        rc = record(store, o, done, before, err);
    if (rc == GW_OK)
        rc = model_keep_store(o->file, m, err);
    snprintf(part, sizeof part, "%.1000s.part", o->file);
    if (rc == GW_OK)
        (void)unlink(part);
    return rc;
}

gw_code fit_run(state *store, const fit_order *o, fit_done *ret, gw_err *err)
{
    gathered g = {0};
    fit_done done = {.damaged = 0};
    char before[MODEL_VERSION_TEXT];
    state_hash control;
    int lock = -1;
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(PIECE_BYTES);
    gw_code rc = arena ? lock_file(o->file, &lock, err) : gw_fail(err, GW_ENOMEM, "fitting");
    if (rc != GW_OK)
        return rc;
    GW_AUTO(timing_model_free) timing_model *m = begin(o);
    if (!m)
        rc = gw_fail(err, GW_ENOMEM, "fitting");
    if (rc == GW_OK)
        rc = read_switches(store, o, arena, &control, &g, err);
    if (rc == GW_OK)
        rc = gather(store, &g, err);
    if (rc == GW_OK) {
        memcpy(before, m->version, sizeof before);
        rc = fit_gathered(o, &g, m, &done, err);
    }
    if (rc == GW_OK)
        rc = put_in_force(store, o, m, before, &done, err);
    done.damaged = g.damaged;
    if (rc == GW_OK)
        *ret = done;
    free(g.list);
    free(g.contacts);
    close(lock);
    return rc;
}
