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
        pack_calendar_free(r->calendars[i]);
    free(r);
}

gw_code policy_rules_add_calendar(policy_rules *r, const char *name, gw_str text, gw_err *err)
{
    GW_AUTO(pack_calendar_free) pack_calendar *c = NULL;
    gw_code rc = pack_calendar_parse(name, text, &c, err);
    if (rc != GW_OK)
        return rc;
    for (size_t i = 0; i < r->calendar_n; i++)
        if (strcmp(r->calendars[i]->id, c->id) == 0)
            return gw_fail(err, GW_EEXIST, "%s: there is already a calendar \"%s\"", name, c->id);
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

static int compare_packs(const void *a, const void *b)
{
    const pack *const *x = a;
    const pack *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

static int compare_calendars(const void *a, const void *b)
{
    const pack_calendar *const *x = a;
    const pack_calendar *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

static gw_code resolve(policy_rules *r, pack *p, gw_err *err)
{
    if (!*p->calendar_id)
        return GW_OK;
    for (size_t i = 0; i < r->calendar_n && !p->calendar; i++)
        if (strcmp(r->calendars[i]->id, p->calendar_id) == 0)
            p->calendar = r->calendars[i];
    if (p->calendar)
        return GW_OK;
    return gw_fail(err, GW_EINVAL, "rule pack \"%s\" names the calendar \"%s\", which is not there",
                   p->id, p->calendar_id);
}

/* Canonical JSON holds no raw line break, so one between the texts keeps them apart. */
static void hash_text(crypto_hash_sha256_state *st, const char *text)
{
    crypto_hash_sha256_update(st, (const unsigned char *)text, strlen(text));
    crypto_hash_sha256_update(st, (const unsigned char *)"\n", 1);
}

gw_code policy_rules_seal(policy_rules *r, gw_err *err)
{
    crypto_hash_sha256_state st;
    unsigned char digest[crypto_hash_sha256_BYTES];
    if (r->pack_n == 0)
        return gw_fail(err, GW_EINVAL, "no rule pack; nothing can be allowed without one");
    qsort(r->packs, r->pack_n, sizeof(pack *), compare_packs);
    qsort(r->calendars, r->calendar_n, sizeof(pack_calendar *), compare_calendars);
    for (size_t i = 0; i < r->pack_n; i++) {
        gw_code rc = resolve(r, r->packs[i], err);
        if (rc != GW_OK)
            return rc;
    }
    crypto_hash_sha256_init(&st);
    for (size_t i = 0; i < r->calendar_n; i++)
        hash_text(&st, r->calendars[i]->canonical);
    for (size_t i = 0; i < r->pack_n; i++)
        hash_text(&st, r->packs[i]->canonical);
    crypto_hash_sha256_final(&st, digest);
    gw_hex(digest, sizeof digest, r->hash);
    r->sealed = true;
    return GW_OK;
}

const char *policy_rules_hash(const policy_rules *r)
{
    return r->hash;
}

const char *policy_rules_pack(const policy_rules *r, size_t n, const char **ret_version)
{
    if (n >= r->pack_n)
        return NULL;
    if (ret_version)
        *ret_version = r->packs[n]->version;
    return r->packs[n]->id;
}
