/* A message from anybody, and files as somebody might edit them: word lists (first byte w), send
 * windows (h), roles of third parties (t). A message is always understood the same way, and a
 * keyword put before it always stops. Windows that were taken are taken again from their canonical
 * form. */
#include "gateway/policy/house.h"
#include "gateway/policy/optout.h"
#include "gateway/policy/third_party.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { INPUT_MAX = 16 * 1024 };

static const char fallback[] =
    "{\"format\":1,\"language\":\"en\",\"stop\":[{\"scope\":\"address\",\"whole\":[\"stop\","
    "\"退订\"],"
    "\"within\":[\"do not text me\"]},{\"scope\":\"all\",\"within\":[\"不要联系\"]}],\"review\":"
    "[{\"why\":\"dispute\",\"within\":[\"dispute\"]}],\"negations\":[\"not\",\"不\"],"
    "\"quotes\":[\"wrote\"],\"own\":[\"reply stop to opt out\"]}";

static void try_words(gw_str text)
{
    GW_AUTO(optout_words_free) optout_words *w = optout_words_new();
    gw_err err = {0};
    optout_verdict v;
    if (!w || optout_words_add(w, "f", text, &err) != GW_OK)
        return;
    optout_classify(w, GW_STR("please stop it\nstop"), &v);
    assert(v.why && v.channel && v.language && v.also);
}

static void try_windows(gw_str text)
{
    GW_AUTO(house_windows_free) house_windows *h = NULL;
    GW_AUTO(house_windows_free) house_windows *again = NULL;
    GW_AUTO_BUF gw_buf diff;
    gw_err err = {0};
    policy_window list[HOUSE_WINDOWS_MAX];
    const house_subject s = {GW_STR("s"), GW_STR("l"), GW_STR("t"), GW_STR("email")};
    gw_buf_init(&diff, 1 << 20);
    if (house_windows_parse("f", text, &h, &err) != GW_OK) {
        assert(err.text[0]);
        return;
    }
    assert(house_windows_parse("g", house_windows_canonical(h), &again, &err) == GW_OK);
    assert(strcmp(house_windows_hash(h), house_windows_hash(again)) == 0);
    assert(house_windows_diff(h, again, &diff) == GW_OK && diff.n == 0);
    for (size_t i = 0, n = house_windows_of(h, &s, list); i < n; i++)
        assert(list[i].from >= 0 && list[i].from < list[i].to && list[i].weekdays);
}

static void try_roles(gw_str text)
{
    GW_AUTO(third_party_free) third_party *t = NULL;
    gw_err err = {0};
    if (third_party_parse("f", text, &t, &err) == GW_OK)
        (void)third_party_has(t, GW_STR("Suppliers"));
}

static void try_message(gw_str text)
{
    static optout_words *w;
    gw_err err = {0};
    optout_verdict a, b;
    if (!w) {
        w = optout_words_new();
        if (!w || optout_words_add(w, "fallback", gw_str_of(fallback), &err) != GW_OK)
            abort();
    }
    optout_classify(w, text, &a);
    optout_classify(w, text, &b);
    assert(a.kind == b.kind && a.scope == b.scope && a.why == b.why);
    GW_AUTO_BUF gw_buf more;
    gw_buf_init(&more, INPUT_MAX + 16);
    gw_buf_puts(&more, "STOP\n");
    gw_buf_put_str(&more, text);
    optout_classify(w, gw_buf_str(&more), &a);
    assert(a.kind == OPTOUT_STOP);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 1 || n > INPUT_MAX)
        return 0;
    gw_str text = {(const char *)data + 1, n - 1};
    if (data[0] == 'w')
        try_words(text);
    else if (data[0] == 'h')
        try_windows(text);
    else if (data[0] == 't')
        try_roles(text);
    else
        try_message(text);
    return 0;
}
