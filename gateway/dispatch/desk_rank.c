#include "gateway/dispatch/desk_rank.h"

#include "gateway/base/money.h"

enum {
    BIT = 50000,
    BITS_MAX = 18,
    AGE = 300000,
    AGE_DAYS = 30,
    PAID_BEFORE = 100000,
    BROKEN = 100000,
    BROKEN_MAX = 3,
    TRY = 50000
};

static int64_t whole_units(int64_t minor, gw_str currency)
{
    int exponent = 2;
    if (money_currency(currency, &exponent) != GW_OK)
        exponent = 2;
    for (; exponent > 0; exponent--)
        minor /= 10;
    return minor;
}

static int64_t of_amount(const view_debtor *d, const view_item *item)
{
    int64_t units = 0;
    if (item)
        units = whole_units(item->amount - item->paid, item->currency);
    for (size_t i = 0; !item && i < d->item_n; i++)
        if (!d->items[i].settled)
            units += whole_units(d->items[i].amount - d->items[i].paid, d->items[i].currency);
    int bits = 0;
    for (; units > 0 && bits < BITS_MAX; units /= 2)
        bits++;
    return (int64_t)bits * BIT;
}

static int64_t of_age(const view_item *item, int32_t today)
{
    int64_t late =
        item && item->due != VIEW_NO_DAY && today > item->due ? (int64_t)today - item->due : 0;
    return AGE * (int64_t)AGE_DAYS / (AGE_DAYS + late);
}

static int64_t broken_promises(const view_debtor *d)
{
    int64_t n = 0;
    for (size_t i = 0; i < d->promise_n; i++)
        n += d->promises[i].broken;
    return n < BROKEN_MAX ? n : BROKEN_MAX;
}

int64_t desk_rank(const view_debtor *d, const view_item *item, int32_t today, int tries)
{
    return of_amount(d, item) + of_age(item, today) + (d->payment_n ? PAID_BEFORE : 0) -
           broken_promises(d) * BROKEN - (int64_t)tries * TRY;
}
