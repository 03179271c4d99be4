/* applies.c - which packs concern a debtor: by role, sender, place and date.
 *
 * Three things say where a debtor is: its stated region, its time zone, and the regions of its
 * numbers. A pack applies when any of them puts the debtor inside one of its places. Where one says
 * less than the pack asks ("US" for a pack of "US-MA") it may be inside, and the pack applies,
 * unless the stated region of that country is finer and elsewhere, or the pack lists zones and the
 * debtor's is none of them. Who is nowhere to be placed gets the rules of everywhere. */
#include "gateway/policy/pack.h"

typedef enum { OUTSIDE, MAYBE, INSIDE } placed;

static bool begins(gw_str whole, gw_str part)
{
    return whole.n > part.n && memcmp(whole.p, part.p, part.n) == 0 && whole.p[part.n] == '-';
}

static placed place_of(gw_str evidence, gw_str place)
{
    if (evidence.n == 0)
        return OUTSIDE;
    if (gw_str_eq(evidence, place) || begins(evidence, place))
        return INSIDE;
    return begins(place, evidence) ? MAYBE : OUTSIDE;
}

static bool same_country(gw_str a, gw_str b)
{
    return a.n >= 2 && b.n >= 2 && memcmp(a.p, b.p, 2) == 0;
}

static bool in_zones(const pack_applies *a, const zone *z)
{
    for (size_t i = 0; z && i < a->zone_n; i++)
        if (zone_is(z, a->zones[i]))
            return true;
    return a->zone_n == 0 || !z;
}

static bool hit(const pack_applies *a, gw_str evidence, const applies_place *at)
{
    for (size_t i = 0; i < a->place_n; i++) {
        gw_str place = gw_str_of(a->places[i]);
        placed p = place_of(evidence, place);
        if (p == INSIDE)
            return true;
        bool elsewhere = same_country(at->stated, evidence) && at->stated.n > evidence.n &&
                         place_of(at->stated, place) == OUTSIDE;
        if (p == MAYBE && !elsewhere && in_zones(a, at->zone))
            return true;
    }
    return false;
}

static gw_str zone_evidence(const applies_place *at)
{
    return gw_str_of(at->zone ? zone_country(at->zone) : "");
}

static bool is_there(const pack_applies *a, const applies_place *at, bool nowhere)
{
    if (a->place_n == 0 || nowhere || hit(a, at->stated, at) || hit(a, zone_evidence(at), at))
        return true;
    for (size_t i = 0; i < at->number_n; i++)
        if (hit(a, gw_str_of(at->number[i]), at))
            return true;
    return false;
}

static bool concerns(const pack_applies *a, unsigned role, policy_sender sender, int32_t first_day,
                     int32_t last_day)
{
    bool who = sender == POLICY_SENDER_UNKNOWN || (a->senders & (1U << sender));
    return (a->roles & role) && who && first_day < a->until_day && last_day >= a->from_day;
}

/* ---- the index: a decision looks only at packs of the countries in question ---- */

static int country_of(gw_str region)
{
    if (region.n < 2 || region.p[0] < 'A' || region.p[0] > 'Z' || region.p[1] < 'A' ||
        region.p[1] > 'Z')
        return -1;
    return (region.p[0] - 'A') * 26 + region.p[1] - 'A';
}

void applies_index(policy_rules *r)
{
    memset(r->everywhere, 0, sizeof r->everywhere);
    memset(r->of_country, 0, sizeof r->of_country);
    for (size_t i = 0; i < r->pack_n; i++) {
        const pack_applies *a = &r->packs[i]->applies;
        uint64_t bit = UINT64_C(1) << (i % 64);
        if (a->place_n == 0)
            r->everywhere[i / 64] |= bit;
        for (size_t k = 0; k < a->place_n; k++)
            r->of_country[country_of(gw_str_of(a->places[k]))][i / 64] |= bit;
    }
}

static bool add_country(const policy_rules *r, gw_str region, uint64_t mask[PACK_MASK_WORDS])
{
    int c = country_of(region);
    for (size_t w = 0; c >= 0 && w < PACK_MASK_WORDS; w++)
        mask[w] |= r->of_country[c][w];
    return c >= 0;
}

size_t applies_list(const policy_rules *r, unsigned role, policy_sender sender,
                    const applies_place *at, int32_t first_day, int32_t last_day,
                    const pack *ret[POLICY_PACKS_MAX])
{
    uint64_t mask[PACK_MASK_WORDS];
    size_t n = 0;
    memcpy(mask, r->everywhere, sizeof mask);
    bool placed_somewhere = add_country(r, at->stated, mask);
    placed_somewhere = add_country(r, zone_evidence(at), mask) || placed_somewhere;
    for (size_t i = 0; i < at->number_n; i++)
        placed_somewhere = add_country(r, gw_str_of(at->number[i]), mask) || placed_somewhere;
    if (!placed_somewhere)
        memset(mask, 0xff, sizeof mask);
    for (size_t w = 0; w < PACK_MASK_WORDS; w++)
        for (uint64_t left = mask[w]; left; left &= left - 1) {
            size_t i = w * 64 + (size_t)__builtin_ctzll(left);
            if (i >= r->pack_n)
                break;
            const pack *p = r->packs[i];
            if (concerns(&p->applies, role, sender, first_day, last_day) &&
                is_there(&p->applies, at, !placed_somewhere))
                ret[n++] = p;
        }
    return n;
}
