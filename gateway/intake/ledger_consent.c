/* ledger_consent.c - the consent ledger: entries are acts that are never changed; what holds now is
 * folded from them, one value per address (or wider scope) and purpose.
 *
 * The entries themselves, with source, time and proof, are the x-Consent records of the evidence
 * log. Suppressions lie beside consents: a list of addresses that must not, or cannot, be used. */
#include "gateway/intake/ledger_part.h"

#include "gateway/base/time.h"
#include "gateway/wire/event.h"
#include "gateway/wire/format.h"

#include <sodium.h>
#include <stdio.h>

enum { PREFIX_MAX = 64 };

static int64_t moment_of(const fold *f)
{
    gw_wall t;
    gw_str s = json_get_str(f->body, 0, "at");
    return s.n && gw_time_parse(s, &t, NULL) == GW_OK ? t.ms : f->event->now.ms;
}

/* ---- what an entry is about ---- */

typedef struct {
    gw_str channel, address, scope, status, purpose, debt;
    bool suppression; /* suppressed or lifted */
    char prefix[PREFIX_MAX];
    gw_str key;
} entry;

static const char *wrong_address(const entry *e)
{
    return gw_str_is(e->channel, "email") ? format_email(e->address) : format_e164(e->address);
}

static gw_code name_key(const fold *f, entry *e)
{
    char key[LEDGER_NAME_MAX];
    bool all = gw_str_is(e->scope, "all");
    bool channel = gw_str_is(e->scope, "channel");
    gw_str first = all ? GW_STR("*") : e->debt.n ? GW_STR("#") : e->channel;
    gw_str second = all || channel ? GW_STR("*") : e->debt.n ? e->debt : e->address;
    int n = snprintf(key, sizeof key, "%.*s:%.*s", GW_STR_ARG(first), GW_STR_ARG(second));
    char *copy = gw_arena_copy(f->arena, (gw_str){key, (size_t)n});
    if (!copy)
        return gw_fail(f->err, GW_ENOMEM, "folding an event: out of memory");
    e->key = (gw_str){copy, (size_t)n};
    if (e->suppression)
        snprintf(e->prefix, sizeof e->prefix,
                 "x:%.*s:", GW_STR_ARG(json_get_str(f->body, 0, "suppression")));
    else if (e->purpose.n)
        snprintf(e->prefix, sizeof e->prefix, "op:%.*s:", GW_STR_ARG(e->purpose));
    else
        snprintf(e->prefix, sizeof e->prefix, "o:");
    return GW_OK;
}

/* ---- what is refused ---- */

static bool is_base64(gw_str text)
{
    size_t n = 0;
    unsigned char *room = malloc(text.n + 1);
    bool good = room && sodium_base642bin(room, text.n + 1, text.p, text.n, NULL, &n, NULL,
                                          sodium_base64_VARIANT_ORIGINAL) == 0;
    free(room);
    return good && n > 0 && n <= LEDGER_PROOF_MAX;
}

static gw_code check_proof(const fold *f)
{
    uint32_t proof = json_member(f->body, 0, "proof");
    if (!proof || is_base64(json_get_str(f->body, proof, "base64")))
        return GW_OK;
    return part_reject(f, "invalid",
                       "a proof is 1 to 32768 bytes in base64 (RFC 4648 with padding)",
                       "/proof/base64");
}

static gw_code check_suppression(const fold *f, const entry *e)
{
    gw_str kind = json_get_str(f->body, 0, "suppression");
    if (e->suppression && !kind.n)
        return part_reject(f, "invalid", "say which suppression: legal, leaked, bounce, unverified",
                           "/suppression");
    if (!e->suppression && kind.n)
        return part_reject(f, "invalid", "belongs to the states suppressed and lifted",
                           "/suppression");
    if (gw_str_is(e->status, "lifted") && (gw_str_is(kind, "legal") || gw_str_is(kind, "leaked")))
        return part_reject(f, "refused",
                           "a legal suppression and a leaked address have no end; ask the debtor "
                           "for another address",
                           "/status");
    if (json_member(f->body, 0, "until") && !gw_str_is(kind, "bounce"))
        return part_reject(f, "invalid", "only a bounce's suppression has an end", "/until");
    return GW_OK;
}

static gw_code check_scope(const fold *f, const entry *e)
{
    bool debt = gw_str_is(e->scope, "debt");
    if (debt && !e->debt.n)
        return part_reject(f, "invalid", "name the item or case the entry is about", "/debt");
    if (!debt && e->debt.n)
        return part_reject(f, "invalid", "belongs to the scope debt", "/debt");
    if (debt && e->suppression)
        return part_reject(f, "invalid", "a suppression is about addresses", "/scope");
    bool narrow = !e->scope.n || gw_str_is(e->scope, "address");
    bool confirm = json_get_bool(f->body, 0, "confirm", false);
    if ((narrow || confirm || e->address.n) && wrong_address(e))
        return part_reject(
            f, "invalid",
            "an entry about one address, or one to be confirmed, needs that address: "
            "a mail address for email, an E.164 number for sms and voice",
            "/address");
    if (confirm && !gw_str_is(e->status, "withdrawn"))
        return part_reject(f, "invalid", "only a withdrawal is confirmed", "/confirm");
    if (moment_of(f) > f->event->now.ms + LEDGER_AHEAD_MS)
        return part_reject(f, "invalid",
                           "more than a day ahead of the gateway's clock; correct it or leave it "
                           "out",
                           "/at");
    return GW_OK;
}

static gw_code check(const fold *f, const entry *e)
{
    gw_code rc = check_scope(f, e);
    if (rc == GW_OK && f->out->verdict == LEDGER_ACCEPTED)
        rc = check_suppression(f, e);
    if (rc == GW_OK && f->out->verdict == LEDGER_ACCEPTED)
        rc = check_proof(f);
    return rc;
}

/* ---- what holds now ---- */

/* An entry older than the current one is recorded, but changes only the list of acts. */
static gw_code put_as_before(const fold *f, gw_buf *object, const stored *old)
{
    uint32_t end = json_at(&old->doc, 0)->next;
    for (uint32_t m = json_first(0); m < end; m = json_at(&old->doc, m + 1)->next) {
        char *name = gw_arena_copy(f->arena, json_str(&old->doc, m));
        if (!name)
            return gw_fail(f->err, GW_ENOMEM, "folding an event: out of memory");
        if (strcmp(name, "seen") == 0)
            continue;
        if (json_kind_of(&old->doc, m + 1) == JSON_STRING)
            json_put_member_str(object, name, json_str(&old->doc, m + 1));
        else
            json_put_member_raw(object, name, json_raw(&old->doc, m + 1));
    }
    return GW_OK;
}

static void put_current(const fold *f, gw_buf *object)
{
    static const char *const members[] = {"status", "scope", "source", "purpose", "suppression"};
    gw_wall until;
    for (size_t i = 0; i < GW_COUNT(members); i++)
        part_copy(f, object, members[i]);
    part_copy_moment(f, object, "at");
    json_put_member_int(object, "at_ms", moment_of(f));
    gw_str end = json_get_str(f->body, 0, "until");
    if (end.n && gw_time_parse(end, &until, NULL) == GW_OK)
        json_put_member_int(object, "until_ms", until.ms);
    json_put_member_int(object, "rx", f->event->now.ms);
}

/* Of two entries with the same moment the stricter holds. */
static bool is_strict(const entry *e)
{
    return gw_str_is(e->status, "withdrawn") || gw_str_is(e->status, "suppressed");
}

static void put_proof(const fold *f, gw_buf *fact, gw_buf *priv)
{
    uint32_t proof = json_member(f->body, 0, "proof");
    uint8_t digest[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof digest + 1];
    if (!proof)
        return;
    gw_str text = json_get_str(f->body, proof, "base64");
    crypto_hash_sha256(digest, (const unsigned char *)text.p, text.n);
    gw_hex(digest, sizeof digest, hex);
    json_put_member_str(fact, "proof_base64_sha256", gw_str_of(hex));
    json_put_member_str(priv, "proof_media", json_get_str(f->body, proof, "media"));
    json_put_member_str(priv, "proof_base64", text);
}

static gw_code record_entry(const fold *f, const entry *e, bool current)
{
    PART_BUF(fact);
    PART_BUF(priv);
    char *why = gw_arena_copy(f->arena, e->status);
    if (!why)
        return gw_fail(f->err, GW_ENOMEM, "folding an event: out of memory");
    part_copy(f, &fact, "channel");
    part_copy(f, &fact, "status");
    part_copy(f, &fact, "scope");
    part_copy(f, &fact, "purpose");
    part_copy(f, &fact, "suppression");
    part_copy(f, &fact, "until");
    part_copy_moment(f, &fact, "at");
    part_copy(f, &priv, "id");
    part_copy(f, &priv, "address");
    part_copy(f, &priv, "debt");
    part_copy(f, &priv, "source");
    put_proof(f, &fact, &priv);
    return part_record(f, EVENT_CONSENT, GW_STR(""), current ? why : "older-than-current", &fact,
                       &priv);
}

/* ---- the one confirmation ---- */

static bool is_withdrawn(const stored *s)
{
    return s->exists && gw_str_is(json_get_str(&s->doc, 0, "status"), "withdrawn");
}

/* One job that tells the person it worked, asked for with the opt-out and created in the same
 * step. Whoever was withdrawn already got theirs. */
static gw_code ask_confirmation(const fold *f, const entry *e)
{
    PART_BUF(body);
    char until[GW_TIME_TEXT];
    GW_AUTO_BUF gw_buf job;
    gw_buf_init(&job, LEDGER_NAME_MAX);
    gw_buf_puts(&job, LEDGER_CONFIRM_JOB);
    gw_buf_put_str(&job, json_get_str(f->body, 0, "id"));
    gw_time_format((gw_wall){f->event->now.ms + LEDGER_CONFIRM_MS}, until);
    json_put_member_str(&body, "id", gw_buf_str(&job));
    json_put_member_str(&body, "debtor", f->event->debtor);
    json_put_member_str(&body, "channel", e->channel);
    json_put_member_str(&body, "template", GW_STR("opt-out-confirmation"));
    json_put_member_str(&body, "purpose", GW_STR("opt-out-confirmation"));
    json_put_member_str(&body, "address", e->address);
    json_put_member_str(&body, "not_after", gw_str_of(until));
    ledger_result *out = f->out;
    char *name = gw_arena_copy(f->arena, gw_buf_str(&job));
    char *channel = gw_arena_copy(f->arena, e->channel);
    if (!name || !channel || job.code != GW_OK)
        return gw_fail(f->err, GW_ENOMEM, "folding an event: out of memory");
    out->job = (gw_str){name, job.n};
    out->job_channel = (gw_str){channel, e->channel.n};
    return part_close(f, &body, &out->job_body);
}

static gw_code store_entry(const fold *f, const entry *e, const stored *old)
{
    int64_t before = old->exists ? json_get_int(&old->doc, 0, "at_ms", INT64_MIN) : INT64_MIN;
    bool current = moment_of(f) > before || (moment_of(f) == before && is_strict(e));
    PART_BUF(object);
    gw_code rc = GW_OK;
    if (current)
        put_current(f, &object);
    else
        rc = put_as_before(f, &object, old);
    part_put_seen(f, &object, old);
    if (rc == GW_OK)
        rc = part_set_debtor(f, e->prefix, e->key, &object);
    if (rc == GW_OK)
        rc = record_entry(f, e, current);
    if (rc == GW_OK && current && !is_withdrawn(old) && json_get_bool(f->body, 0, "confirm", false))
        rc = ask_confirmation(f, e);
    return rc;
}

gw_code ledger_consent(const fold *f)
{
    entry e = {
        .channel = json_get_str(f->body, 0, "channel"),
        .address = json_get_str(f->body, 0, "address"),
        .scope = json_get_str(f->body, 0, "scope"),
        .status = json_get_str(f->body, 0, "status"),
        .purpose = json_get_str(f->body, 0, "purpose"),
        .debt = json_get_str(f->body, 0, "debt"),
    };
    e.suppression = gw_str_is(e.status, "suppressed") || gw_str_is(e.status, "lifted");
    gw_code rc = check(f, &e);
    if (rc != GW_OK || f->out->verdict != LEDGER_ACCEPTED)
        return rc;
    stored old;
    rc = name_key(f, &e);
    if (rc == GW_OK)
        rc = part_read(f, &f->debtor->debtor, e.prefix, e.key, &old);
    if (rc != GW_OK || part_find_act(f, &old) != NEW_ACT)
        return rc;
    return store_entry(f, &e, &old);
}
