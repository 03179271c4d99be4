#include "gateway/policy/count.h"

#include "gateway/base/id.h"
#include "gateway/base/time.h"

#include <sodium.h>
#include <stdio.h>

enum { DAY_TEXT = GW_DATE_TEXT - 1, HOUR_TEXT = DAY_TEXT + 3, DEBT_BYTES = 8 };

static const char *const marks[POLICY_COUNTING_COUNT] = {"", ".a", ".e"};

void count_debt_key(gw_str debt_id, char ret_key[COUNT_DEBT_TEXT])
{
    unsigned char digest[crypto_generichash_BYTES_MIN];
    ret_key[0] = '\0';
    if (debt_id.n == 0)
        return;
    crypto_generichash(digest, sizeof digest, (const unsigned char *)debt_id.p, debt_id.n, NULL, 0);
    gw_hex(digest, DEBT_BYTES, ret_key);
}

static void bucket_text(const policy_cap *cap, int before, char ret[HOUR_TEXT + 1])
{
    int32_t bucket = cap->day - before;
    int32_t day = cap->hourly ? bucket / 24 - (bucket % 24 < 0) : bucket;
    char date[GW_DATE_TEXT];
    gw_date_format(day, date);
    if (cap->hourly)
        snprintf(ret, HOUR_TEXT + 1, "%sT%02d", date, (int)(bucket - day * 24));
    else
        snprintf(ret, HOUR_TEXT + 1, "%s", date);
}

void count_name(const policy_cap *cap, int before, char ret_name[COUNT_NAME_TEXT])
{
    char bucket[HOUR_TEXT + 1];
    bool of_debt = cap->scope == POLICY_OF_DEBT;
    bucket_text(cap, before, bucket);
    snprintf(ret_name, COUNT_NAME_TEXT, "c:%s%s%s%.*s:%s", cap->field, marks[cap->counting],
             of_debt ? "#" : "", of_debt ? (int)cap->debt.n : 0, of_debt ? cap->debt.p : "",
             bucket);
}

static bool read_bucket(gw_str text, policy_count *ret)
{
    int32_t day;
    if (text.n < DAY_TEXT || gw_date_parse((gw_str){text.p, DAY_TEXT}, &day, NULL) != GW_OK)
        return false;
    ret->day = day;
    ret->hourly = text.n == HOUR_TEXT;
    if (text.n == DAY_TEXT)
        return true;
    const char *h = text.p + DAY_TEXT;
    if (!ret->hourly || h[0] != 'T' || h[1] < '0' || h[1] > '2' || h[2] < '0' || h[2] > '9')
        return false;
    int hour = (h[1] - '0') * 10 + h[2] - '0';
    ret->day = day * 24 + hour;
    return hour < 24;
}

/* What a counter counts, with the mark taken off the field. */
static policy_counting take_mark(gw_str *field)
{
    for (int i = POLICY_ANSWERED; i < POLICY_COUNTING_COUNT; i++) {
        size_t n = strlen(marks[i]);
        if (field->n > n && memcmp(field->p + field->n - n, marks[i], n) == 0) {
            field->n -= n;
            return (policy_counting)i;
        }
    }
    return POLICY_PLACED;
}

bool count_read(gw_str name, int64_t used, gw_str debt, policy_scope scope, policy_count *ret)
{
    if (name.n < 3 || memcmp(name.p, "c:", 2) != 0)
        return false;
    gw_str rest = {name.p + 2, name.n - 2};
    const char *colon = memchr(rest.p, ':', rest.n);
    if (!colon)
        return false;
    gw_str field = {rest.p, (size_t)(colon - rest.p)};
    policy_count c = {.used = used, .scope = scope};
    if (!read_bucket((gw_str){colon + 1, rest.n - field.n - 1}, &c))
        return false;
    const char *hash = memchr(field.p, '#', field.n);
    if (hash) {
        size_t before = (size_t)(hash - field.p);
        gw_str of = {hash + 1, field.n - before - 1};
        if (of.n > 0 && !gw_str_eq(of, debt))
            return false;
        c.scope = POLICY_OF_DEBT;
        field.n = before;
    }
    c.counting = take_mark(&field);
    c.field = field;
    *ret = c;
    return true;
}

bool count_of_person(gw_str entry, gw_str *ret_person, gw_str *ret_name)
{
    if (entry.n < 3 || memcmp(entry.p, "p:", 2) != 0)
        return false;
    const char *colon = memchr(entry.p + 2, ':', entry.n - 2);
    if (!colon)
        return false;
    *ret_person = (gw_str){entry.p + 2, (size_t)(colon - entry.p) - 2};
    *ret_name = (gw_str){colon + 1, entry.n - ret_person->n - 3};
    return true;
}

bool count_stays(gw_str name, bool answered, bool effective)
{
    const char *colon = name.n > 2 ? memchr(name.p + 2, ':', name.n - 2) : NULL;
    gw_str field = {name.p, colon ? (size_t)(colon - name.p) : name.n};
    const char *hash = memchr(field.p, '#', field.n);
    if (hash)
        field.n = (size_t)(hash - field.p);
    switch (take_mark(&field)) {
    case POLICY_ANSWERED:
        return answered;
    case POLICY_EFFECTIVE:
        return effective;
    default:
        return true;
    }
}

void count_talk_names(gw_str debt, char ret_names[2][COUNT_NAME_TEXT])
{
    snprintf(ret_names[0], COUNT_NAME_TEXT, "t:*");
    snprintf(ret_names[1], COUNT_NAME_TEXT, "t:#%.*s", (int)debt.n, debt.n ? debt.p : "");
}
