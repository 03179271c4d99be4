#include "gateway/policy/regions.h"

#include "gateway/base/jsonc.h"
#include "gateway/base/region.h"
#include "gateway/policy/note.h"
#include "gateway/policy/rules.h"

#include <stdio.h>

/* Prefixes of up to DIRECT_DIGITS are looked up at once, by their digits behind a 1 (so that 01 and
 * 1 differ); there are few longer ones. */
enum { DIRECT_DIGITS = 4, DIRECT_SLOTS = 20000 };

struct regions {
    char *canonical;
    zone_table *zones;
    regions_row *rows; /* by prefix */
    size_t n, longest;
    uint16_t direct[DIRECT_SLOTS]; /* index of the row plus one, 0 none */
};

static gw_code read_zones(const json_doc *d, uint32_t row, regions *r, regions_row *to, gw_err *err)
{
    uint32_t list;
    gw_code rc = json_need_array(d, row, "zones", REGIONS_ZONES_MAX, &list, err);
    if (rc != GW_OK)
        return rc;
    for (uint32_t e = json_first(list); e < json_at(d, list)->next; e = json_at(d, e)->next) {
        gw_err why = {0};
        const zone *z = json_kind_of(d, e) == JSON_STRING
                            ? zone_table_get(r->zones, json_str(d, e), &why)
                            : NULL;
        if (!z)
            return json_fail(d, e, err, "%s", why.text[0] ? why.text : "a zone is expected");
        to->zones[to->zone_n++] = z;
    }
    return to->zone_n ? GW_OK : json_fail(d, list, err, "name at least one zone");
}

static gw_code read_row(const json_doc *d, uint32_t row, regions *r, gw_err *err)
{
    static const char *const members[] = {"!prefix", "!region", "!zones"};
    regions_row x = {.zone_n = 0};
    gw_str s;
    gw_code rc = json_check_members(d, row, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = json_need_str(d, row, "prefix", sizeof x.prefix - 1, &s, err);
    if (rc != GW_OK)
        return rc;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return json_fail(d, json_member(d, row, "prefix"), err, "digits are expected");
    memcpy(x.prefix, s.p, s.n);
    rc = json_need_str(d, row, "region", REGIONS_NAME_MAX - 1, &s, err);
    if (rc != GW_OK)
        return rc;
    if (!gw_region_valid(s))
        return json_fail(d, json_member(d, row, "region"), err,
                         "a region like US or US-MA is expected");
    memcpy(x.region, s.p, s.n);
    rc = read_zones(d, row, r, &x, err);
    if (rc == GW_OK)
        r->rows[r->n++] = x;
    return rc;
}

static int compare_rows(const void *a, const void *b)
{
    return strcmp(((const regions_row *)a)->prefix, ((const regions_row *)b)->prefix);
}

static gw_code read_regions(const json_doc *d, regions *r, gw_err *err)
{
    static const char *const members[] = {"!format", "!id", "!title", "!prefixes", NOTE_MEMBERS};
    int64_t format;
    bool draft;
    uint32_t list = 0;
    gw_code rc = json_check_members(d, 0, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = json_need_int(d, 0, "format", 1, 1, &format, err);
    if (rc == GW_OK)
        rc = note_read(d, 0, &draft, err);
    if (rc == GW_OK)
        rc = json_need_array(d, 0, "prefixes", REGIONS_PREFIXES_MAX, &list, err);
    if (rc != GW_OK)
        return rc;
    r->rows = calloc(json_at(d, list)->count + 1, sizeof *r->rows);
    if (!r->rows)
        return gw_fail(err, GW_ENOMEM, "out of memory");
    for (uint32_t e = json_first(list); rc == GW_OK && e < json_at(d, list)->next;
         e = json_at(d, e)->next)
        rc = read_row(d, e, r, err);
    qsort(r->rows, r->n, sizeof *r->rows, compare_rows);
    for (size_t i = 1; rc == GW_OK && i < r->n; i++)
        if (compare_rows(&r->rows[i - 1], &r->rows[i]) == 0)
            rc = json_fail(d, list, err, "prefix %s stands there twice", r->rows[i].prefix);
    return rc;
}

static uint32_t slot_of(const char *digits, size_t n)
{
    uint32_t slot = 1;
    for (size_t i = 0; i < n; i++)
        slot = slot * 10 + (uint32_t)(digits[i] - '0');
    return slot;
}

static void index_rows(regions *r)
{
    for (size_t i = 0; i < r->n; i++) {
        size_t n = strlen(r->rows[i].prefix);
        if (n <= DIRECT_DIGITS)
            r->direct[slot_of(r->rows[i].prefix, n)] = (uint16_t)(i + 1);
        r->longest = n > r->longest ? n : r->longest;
    }
}

gw_code regions_parse(const char *name, gw_str text, regions **ret, gw_err *err)
{
    GW_AUTO_JSONC jsonc_file file = {0};
    GW_AUTO(regions_free) regions *r = calloc(1, sizeof *r);
    if (r)
        r->zones = zone_table_new();
    if (!r || !r->zones)
        return gw_fail(err, GW_ENOMEM, "%s", name);
    gw_code rc = jsonc_open(text, POLICY_RULES_BYTES_MAX, &file, err);
    if (rc == GW_OK)
        rc = jsonc_canonical(&file, &r->canonical, err);
    if (rc == GW_OK)
        rc = read_regions(&file.doc, r, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "%s", name);
    index_rows(r);
    *ret = r;
    r = NULL;
    return GW_OK;
}

void regions_free(regions *r)
{
    if (!r)
        return;
    zone_table_free(r->zones);
    free(r->canonical);
    free(r->rows);
    free(r);
}

const char *regions_canonical(const regions *r)
{
    return r->canonical;
}

static const regions_row *long_row(const regions *r, const char *digits, size_t n)
{
    regions_row key;
    memcpy(key.prefix, digits, n);
    key.prefix[n] = '\0';
    return bsearch(&key, r->rows, r->n, sizeof key, compare_rows);
}

const regions_row *regions_of_number(const regions *r, gw_str number)
{
    size_t n = 0;
    if (number.n < 2 || number.p[0] != '+' || r->n == 0)
        return NULL;
    const char *digits = number.p + 1;
    while (n < r->longest && n + 1 < number.n && digits[n] >= '0' && digits[n] <= '9')
        n++;
    const regions_row *row = NULL;
    for (; n > DIRECT_DIGITS && !row; n--)
        row = long_row(r, digits, n);
    for (; n > 0 && !row; n--) {
        uint16_t at = r->direct[slot_of(digits, n)];
        row = at ? &r->rows[at - 1] : NULL;
    }
    return row;
}
