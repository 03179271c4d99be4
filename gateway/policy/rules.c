#include "gateway/policy/rules.h"

#include "gateway/base/id.h"
#include "gateway/policy/pack.h"

#include <sodium.h>

policy_rules *policy_rules_new(void)
{
    return calloc(1, sizeof(policy_rules));
}

void policy_rules_free(policy_rules *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->pack_n; i++)
        pack_free(r->packs[i]);
    for (size_t i = 0; i < r->calendar_n; i++)
        calendar_free(r->calendars[i]);
    regions_free(r->regions);
    for (size_t i = 0; i < r->file_n; i++)
        free(r->files[i].signed_text);
    free(r);
}

gw_code policy_rules_add_calendar(policy_rules *r, const char *name, gw_str text, gw_err *err)
{
    GW_AUTO(calendar_free) calendar *c = NULL;
    gw_code rc = calendar_parse(name, text, &c, err);
    if (rc != GW_OK)
        return rc;
    for (size_t i = 0; i < r->calendar_n; i++)
        if (strcmp(calendar_id(r->calendars[i]), calendar_id(c)) == 0)
            return gw_fail(err, GW_EEXIST, "%s: there is already a calendar \"%s\"", name,
                           calendar_id(c));
    if (r->sealed || r->calendar_n == POLICY_CALENDARS_MAX)
        return gw_fail(err, GW_ELIMIT, "%s: no room for another calendar", name);
    r->calendars[r->calendar_n++] = c;
    c = NULL;
    return GW_OK;
}

gw_code policy_rules_add_pack(policy_rules *r, const char *name, gw_str text, gw_err *err)
{
    GW_AUTO(pack_free) pack *p = NULL;
    gw_code rc = pack_parse(name, text, &p, err);
    if (rc != GW_OK)
        return rc;
    for (size_t i = 0; i < r->pack_n; i++)
        if (strcmp(r->packs[i]->id, p->id) == 0)
            return gw_fail(err, GW_EEXIST, "%s: there is already a rule pack \"%s\"", name, p->id);
    if (r->sealed || r->pack_n == POLICY_PACKS_MAX)
        return gw_fail(err, GW_ELIMIT, "%s: no room for another rule pack", name);
    r->packs[r->pack_n++] = p;
    p = NULL;
    return GW_OK;
}

gw_code policy_rules_add_regions(policy_rules *r, const char *name, gw_str text, gw_err *err)
{
    if (r->sealed || r->regions)
        return gw_fail(err, GW_EEXIST, "%s: there is already a table of number prefixes", name);
    return regions_parse(name, text, &r->regions, err);
}

/* ---- sealing ---- */

static int compare_packs(const void *a, const void *b)
{
    const pack *const *x = a;
    const pack *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

static int compare_calendars(const void *a, const void *b)
{
    const calendar *const *x = a;
    const calendar *const *y = b;
    return strcmp(calendar_id(*x), calendar_id(*y));
}

static const calendar *calendar_named(const policy_rules *r, const char *id)
{
    for (size_t i = 0; i < r->calendar_n; i++)
        if (strcmp(calendar_id(r->calendars[i]), id) == 0)
            return r->calendars[i];
    return NULL;
}

static gw_code resolve(const policy_rules *r, const pack *p, const char *id, const calendar **ret,
                       gw_err *err)
{
    *ret = *id ? calendar_named(r, id) : NULL;
    if (!*id || *ret)
        return GW_OK;
    return gw_fail(err, GW_EINVAL, "rule pack \"%s\" names the calendar \"%s\", which is not there",
                   p->id, id);
}

/* Every kind of counter some cap looks at is kept for everybody, so that a pack which comes to
 * apply later (a debtor moves, a date is reached) finds what was counted before. */
static gw_code note_counter(policy_rules *r, const pack_cap *c, policy_scope scope, gw_err *err)
{
    for (size_t i = 0; i < r->counter_n; i++) {
        const pack_counter *k = &r->counters[i];
        if (k->channel == c->channel && k->counting == c->counting && k->scope == scope &&
            k->hourly == c->hourly)
            return GW_OK;
    }
    if (r->counter_n == POLICY_COUNTERS_MAX)
        return gw_fail(err, GW_ELIMIT, "the packs together need more than %d kinds of counters",
                       POLICY_COUNTERS_MAX);
    r->counters[r->counter_n++] = (pack_counter){c->channel, c->counting, scope, c->hourly};
    return GW_OK;
}

static gw_code seal_pack(policy_rules *r, pack *p, gw_err *err)
{
    gw_code rc = resolve(r, p, p->holidays_id, &p->holidays, err);
    if (rc == GW_OK)
        rc = resolve(r, p, p->workdays_id, &p->workdays, err);
    /* The sender's own counter stands in where there is no person or no single debt. */
    for (size_t i = 0; rc == GW_OK && i < p->cap_n; i++) {
        rc = note_counter(r, &p->caps[i], POLICY_OF_SENDER, err);
        if (rc == GW_OK)
            rc = note_counter(r, &p->caps[i], p->caps[i].scope, err);
    }
    return rc;
}

/* Canonical JSON holds no raw line break, so one between the texts keeps them apart. */
static void hash_text(crypto_hash_sha256_state *st, const char *text)
{
    crypto_hash_sha256_update(st, (const unsigned char *)text, strlen(text));
    crypto_hash_sha256_update(st, (const unsigned char *)"\n", 1);
}

static void fix_hash(policy_rules *r)
{
    crypto_hash_sha256_state st;
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_init(&st);
    for (size_t i = 0; i < r->calendar_n; i++)
        hash_text(&st, calendar_canonical(r->calendars[i]));
    for (size_t i = 0; i < r->pack_n; i++)
        hash_text(&st, r->packs[i]->canonical);
    if (r->regions)
        hash_text(&st, regions_canonical(r->regions));
    crypto_hash_sha256_final(&st, digest);
    gw_hex(digest, sizeof digest, r->hash);
}

gw_code policy_rules_seal(policy_rules *r, gw_err *err)
{
    if (r->pack_n == 0)
        return gw_fail(err, GW_EINVAL, "no rule pack; nothing can be allowed without one");
    qsort(r->packs, r->pack_n, sizeof(pack *), compare_packs);
    qsort(r->calendars, r->calendar_n, sizeof(calendar *), compare_calendars);
    for (size_t i = 0; i < r->pack_n; i++) {
        gw_code rc = seal_pack(r, r->packs[i], err);
        if (rc != GW_OK)
            return rc;
    }
    applies_index(r);
    fix_hash(r);
    r->sealed = true;
    return GW_OK;
}

/* ---- asking ---- */

const char *policy_rules_hash(const policy_rules *r)
{
    return r->hash;
}

static void count_rows(const pack *p, policy_pack_info *ret)
{
#define COUNT(list, n)                                                                             \
    for (size_t i = 0; i < (n); i++) {                                                             \
        ret->rows++;                                                                               \
        ret->drafts += (list)[i].draft;                                                            \
    }
    for (size_t c = 0; c < POLICY_CHANNEL_COUNT; c++)
        COUNT(p->windows[c], p->window_n[c])
    COUNT(p->caps, p->cap_n)
    COUNT(p->cool_downs, p->cool_down_n)
    COUNT(p->consents, p->consent_n)
    COUNT(p->verified, p->verified_n)
    COUNT(p->required, p->required_n)
    COUNT(p->opt_outs, p->opt_out_n)
    COUNT(p->retentions, p->retention_n)
    COUNT(p->deadlines, p->deadline_n)
#undef COUNT
}

bool policy_rules_pack(const policy_rules *r, size_t n, policy_pack_info *ret)
{
    if (n >= r->pack_n)
        return false;
    const pack *p = r->packs[n];
    *ret = (policy_pack_info){.id = p->id,
                              .version = p->version,
                              .title = p->title,
                              .holidays = p->holidays_id,
                              .workdays = p->workdays_id,
                              .canonical = p->canonical,
                              .signature = p->signature,
                              .draft = p->draft,
                              .roles = p->applies.roles};
    count_rows(p, ret);
    return true;
}

const policy_opt_out *policy_rules_opt_out(const policy_rules *r, size_t n)
{
    for (size_t i = 0; i < r->pack_n; i++) {
        if (n < r->packs[i]->opt_out_n)
            return &r->packs[i]->opt_outs[n];
        n -= r->packs[i]->opt_out_n;
    }
    return NULL;
}

int32_t policy_rules_retention(const policy_rules *r, const char *record_class)
{
    int32_t most = 0;
    for (size_t i = 0; i < r->pack_n; i++)
        for (size_t k = 0; k < r->packs[i]->retention_n; k++) {
            const policy_retention *x = &r->packs[i]->retentions[k];
            if (strcmp(x->record_class, record_class) == 0 && x->days > most)
                most = x->days;
        }
    return most;
}

bool policy_business_day(const policy_rules *r, const char *id, int32_t day, int business_days,
                         int32_t *ret_day)
{
    const calendar *c = calendar_named(r, id);
    return c && calendar_add_workdays(c, day, business_days, ret_day);
}

bool policy_rules_deadline(const policy_rules *r, const char *name, int32_t day, int32_t *ret_day)
{
    int32_t earliest = INT32_MAX;
    for (size_t i = 0; i < r->pack_n; i++)
        for (size_t k = 0; k < r->packs[i]->deadline_n; k++) {
            const policy_deadline *x = &r->packs[i]->deadlines[k];
            int32_t end;
            if (strcmp(x->name, name) != 0)
                continue;
            if (!calendar_add_workdays(r->packs[i]->workdays, day, x->business_days, &end))
                return false;
            earliest = end < earliest ? end : earliest;
        }
    if (earliest != INT32_MAX)
        *ret_day = earliest;
    return earliest != INT32_MAX;
}
