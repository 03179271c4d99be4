#include "gateway/dispatch/booker.h"

#include "gateway/base/crash.h"
#include "gateway/base/log.h"
#include "gateway/base/tally.h"
#include "gateway/dispatch/booker_part.h"
#include "gateway/wire/event.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ARENA = 256 << 20, FACT_MAX = 16 * 1024, BLOBS_MAX = 4 * 1024, IDLE_MS = 500 };

struct booker_run {
    pthread_t thread;
    int wake_fd;
    _Atomic bool stop;
    bool failing;
};

/* ---- what every kind needs ---- */

gw_code book_keep_raw(booker *b, const hook_entry *e, gw_str source, gw_str debtor, gw_str case_id,
                      gw_buf *ret, gw_err *err)
{
    if (!e->raw.n)
        return GW_OK;
    const char *role = e->kind == ENTRY_INBOUND ? "reply" : "receipt";
    gw_buf_putc(ret, '[');
    gw_code rc = evidence_blob_put(b->cfg.config->evidence, source, debtor, case_id, role,
                                   "application/octet-stream", e->raw, ret, err);
    gw_buf_putc(ret, ']');
    return rc == GW_OK ? gw_buf_code(ret, "a reference", err) : rc;
}

static void put_word(gw_buf *b, const char *name, gw_str value)
{
    if (value.n)
        json_put_member_str(b, name, value);
}

void book_put_facts(gw_buf *fact, const hook_entry *e)
{
    put_word(fact, "provider", e->provider);
    json_put_member_str(fact, "authenticity", gw_str_of(wire_auth_name(e->auth)));
    if (e->kind == ENTRY_RECEIPT) {
        json_put_member_str(fact, "says", gw_str_of(wire_receipt_state_name(e->state)));
        put_word(fact, "code", e->code);
        put_word(fact, "provider_ref", e->ref);
    }
    if (e->at_ms > 0)
        json_put_member_int(fact, "at_ms", e->at_ms);
    json_put_member_int(fact, "received_ms", e->rx_ms);
    put_word(fact, "sha256", e->sha256);
}

gw_code book_stray(booker *b, book_item *item, const char *why, gw_err *err)
{
    GW_AUTO_BUF gw_buf fact;
    GW_AUTO_BUF gw_buf blobs;
    gw_buf_init(&fact, FACT_MAX);
    gw_buf_init(&blobs, BLOBS_MAX);
    gw_buf_putc(&fact, '{');
    book_put_facts(&fact, &item->e);
    gw_buf_putc(&fact, '}');
    gw_code rc = book_keep_raw(b, &item->e, GW_STR(""), GW_STR(""), GW_STR(""), &blobs, err);
    if (rc == GW_OK && blobs.n)
        rc = evidence_blob_sync(b->cfg.config->evidence, err);
    if (rc == GW_OK)
        rc = gw_buf_code(&fact, "the facts of a receipt", err);
    if (rc != GW_OK)
        return rc;
    state_record record = {.event = EVENT_RECEIVED,
                           .t = book_now(b),
                           .source = GW_STR(""),
                           .debtor = GW_STR(""),
                           .case_id = GW_STR(""),
                           .rid = GW_STR(""),
                           .why = gw_str_of(why),
                           .fact = gw_buf_str(&fact),
                           .blobs = gw_buf_str(&blobs)};
    state_txn txn = {.shard = item->stored->shard,
                     .debtor_version = -1,
                     .version = -1,
                     .records = &record,
                     .record_n = 1};
    state_verdict verdict;
    rc = state_apply(b->store, &txn, 1, &verdict, err);
    if (rc != GW_OK)
        return rc;
    tally_add("dunlin_receipts_total", "provider", item->e.provider, "effect", gw_str_of(why), 1);
    item->verdict = BOOK_DONE;
    return GW_OK;
}

/* ---- one batch ---- */

static gw_code read_items(booker *b, const state_inbox_entry *list, size_t n, book_item *items,
                          gw_err *err)
{
    for (size_t i = 0; i < n; i++) {
        items[i] = (book_item){.stored = &list[i]};
        gw_code rc = hook_entry_get(list[i].bytes, b->arena, &items[i].e, err);
        if (rc == GW_ENOMEM)
            return rc;
        if (rc != GW_OK) { /* a later version's, or damaged: kept as evidence, never guessed at */
            items[i].e = (hook_entry){
                .kind = ENTRY_RECEIPT, .provider = GW_STR("unreadable"), .raw = list[i].bytes};
            rc = book_stray(b, &items[i], "unreadable", err);
            if (rc != GW_OK)
                return rc;
        }
    }
    return GW_OK;
}

static gw_code remove_done(booker *b, const book_item *items, size_t n, bool *ret_busy, gw_err *err)
{
    state_inbox_entry *done = gw_arena_alloc(b->arena, (n + 1) * sizeof *done);
    size_t m = 0;
    if (!done)
        return gw_fail(err, GW_ENOMEM, "booking receipts");
    for (size_t i = 0; i < n; i++)
        if (items[i].verdict == BOOK_DONE)
            done[m++] = *items[i].stored;
    *ret_busy = *ret_busy || m;
    GW_CRASH_POINT("booker-before-remove");
    return m ? state_inbox_remove(b->store, done, m, err) : GW_OK;
}

static gw_code book_batch(booker *b, const state_inbox_entry *list, size_t n, bool *ret_busy,
                          gw_err *err)
{
    book_item *items = gw_arena_alloc(b->arena, (n + 1) * sizeof *items);
    if (!items)
        return gw_fail(err, GW_ENOMEM, "booking receipts");
    gw_code rc = read_items(b, list, n, items, err);
    if (rc == GW_OK)
        rc = book_receipts(b, items, n, err);
    for (size_t i = 0; i < n && rc == GW_OK; i++)
        if (items[i].e.kind == ENTRY_INBOUND && items[i].verdict != BOOK_DONE)
            rc = book_reply(b, &items[i], err);
    gw_err second;
    gw_code removed = remove_done(b, items, n, ret_busy, rc == GW_OK ? err : &second);
    return rc != GW_OK ? rc : removed;
}

/* Neither the store's nor the log's failure: this entry cannot be booked, now or later. */
static bool is_its_own_fault(gw_code rc)
{
    return rc == GW_EINVAL || rc == GW_ELIMIT || rc == GW_ECORRUPT;
}

/* One by one, so that an entry that cannot be booked is put aside and keeps nobody waiting. */
static gw_code book_singly(booker *b, const state_inbox_entry *list, size_t n, bool *ret_busy,
                           gw_err *err)
{
    gw_code rc = GW_OK;
    for (size_t i = 0; i < n && rc == GW_OK; i++) {
        rc = book_batch(b, &list[i], 1, ret_busy, err);
        if (!is_its_own_fault(rc))
            continue;
        gw_log(GW_LOG_ERROR, "an inbox entry cannot be booked; it is put aside as evidence",
               "code=%s text=\"%s\"", gw_code_name(rc), err->text);
        book_item item = {
            .stored = &list[i],
            .e = {.kind = ENTRY_RECEIPT, .provider = GW_STR("unreadable"), .raw = list[i].bytes}};
        rc = book_stray(b, &item, "not-booked", err);
        if (rc == GW_OK)
            rc = remove_done(b, &item, 1, ret_busy, err);
    }
    return rc;
}

/* ---- passes ---- */

/* Entries behind at, which moves on; at most `batches` times BOOKER_BATCH of them. *ret_end: there
 * are no more. */
static gw_code pass(booker *b, const uint8_t mask[STATE_SHARDS], char at[STATE_SHARDS][48],
                    size_t batches, bool *ret_end, bool *ret_busy, gw_err *err)
{
    *ret_end = false;
    for (size_t i = 0; i < batches; i++) {
        gw_str last[STATE_SHARDS];
        state_inbox_entry *list;
        size_t n;
        gw_arena_reset(b->arena);
        for (int k = 0; k < STATE_SHARDS; k++)
            last[k] = gw_str_of(at[k]);
        gw_code rc = state_inbox_read(b->store, mask, last, BOOKER_BATCH, b->arena, &list, &n, err);
        if (rc == GW_OK && n)
            rc = book_batch(b, list, n, ret_busy, err);
        if (is_its_own_fault(rc))
            rc = book_singly(b, list, n, ret_busy, err);
        *ret_end = n == 0;
        if (rc != GW_OK || n == 0)
            return rc;
        for (size_t k = 0; k < n; k++)
            snprintf(at[list[k].shard], sizeof at[0], "%.*s", GW_STR_ARG(list[k].stream_id));
    }
    return GW_OK;
}

gw_code booker_step(booker *b, bool again, bool *ret_busy, gw_err *err)
{
    uint8_t mask[STATE_SHARDS];
    memset(mask, 1, sizeof mask);
    if (b->cfg.dispatch)
        dispatch_shards(b->cfg.dispatch, mask);
    bool end;
    *ret_busy = false;
    gw_code rc = pass(b, mask, b->last, SIZE_MAX, &end, ret_busy, err);
    if (rc != GW_OK || !again)
        return rc;
    /* What waits is looked at in turns, so that a heap of it cannot keep what is new waiting. */
    rc = pass(b, mask, b->again, BOOKER_AGAIN_BATCHES, &end, ret_busy, err);
    if (end)
        memset(b->again, 0, sizeof b->again);
    return rc;
}

/* ---- life ---- */

gw_code booker_open(const booker_config *config, booker **ret, gw_err *err)
{
    booker *b = calloc(1, sizeof *b);
    if (!b)
        return gw_fail(err, GW_ENOMEM, "opening the booker");
    b->cfg = *config;
    b->give_up_ms = config->give_up_ms ? config->give_up_ms : BOOKER_GIVE_UP_MS;
    b->arena = gw_arena_new(ARENA);
    gw_code rc = b->arena ? state_open(&config->config->state, &b->store, err)
                          : gw_fail(err, GW_ENOMEM, "opening the booker");
    if (rc != GW_OK) {
        booker_close(b);
        return rc;
    }
    *ret = b;
    return GW_OK;
}

void booker_close(booker *b)
{
    if (!b)
        return;
    state_close(b->store);
    gw_arena_free(b->arena);
    free(b);
}

static void *run(void *arg)
{
    booker *b = arg;
    struct booker_run *r = b->run;
    gw_mono again = {0};
    pthread_setname_np(pthread_self(), "booker");
    while (!atomic_load(&r->stop)) {
        gw_err err = {0};
        bool busy;
        struct pollfd wake = {.fd = r->wake_fd, .events = POLLIN};
        bool look_again = gw_mono_now().ms >= again.ms;
        gw_code rc = booker_step(b, look_again, &busy, &err);
        if (look_again)
            again.ms = gw_mono_now().ms + BOOKER_AGAIN_MS;
        if (rc != GW_OK && !r->failing)
            gw_log(GW_LOG_WARN, "booking stopped; what came in waits", "code=%s text=\"%s\"",
                   gw_code_name(rc), err.text);
        r->failing = rc != GW_OK;
        if (poll(&wake, 1, IDLE_MS) > 0) {
            uint64_t times;
            ssize_t ignored = read(r->wake_fd, &times, sizeof times);
            (void)ignored;
        }
    }
    return NULL;
}

gw_code booker_start(booker *b, gw_err *err)
{
    struct booker_run *r = calloc(1, sizeof *r);
    if (!r)
        return gw_fail(err, GW_ENOMEM, "starting the booker");
    r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    b->run = r;
    if (r->wake_fd < 0 || pthread_create(&r->thread, NULL, run, b) != 0) {
        if (r->wake_fd >= 0)
            close(r->wake_fd);
        b->run = NULL;
        free(r);
        return gw_fail_errno(err, errno, "starting the booker's thread");
    }
    return GW_OK;
}

void booker_wake(booker *b)
{
    uint64_t one = 1;
    if (!b || !b->run)
        return;
    ssize_t ignored = write(b->run->wake_fd, &one, sizeof one); /* full means it is awake anyway */
    (void)ignored;
}

void booker_stop(booker *b)
{
    if (b && b->run) {
        atomic_store(&b->run->stop, true);
        booker_wake(b);
        pthread_join(b->run->thread, NULL);
        close(b->run->wake_fd);
        free(b->run);
        b->run = NULL;
    }
    booker_close(b);
}
