/* A message from anybody, and word files as somebody might edit them (first byte w). A message is
 * always understood the same way, and a keyword put before it always stops. */
#include "gateway/policy/optout.h"

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
    else
        try_message(text);
    return 0;
}
