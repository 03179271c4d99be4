/* Provider files as somebody might edit them, calls of /hooks/<provider> and answers as anybody
 * might send them. A file that loads can be used: requests are built and signed, or refused with a
 * reason. The first byte chooses: 'f' a file; else a shipped provider, with URL query, NUL, body.
 */
#include "gateway/wire/provider_hook.h"

#include <assert.h>

enum { INPUT_MAX = 64 * 1024, ARENA_MAX = 8 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const names[] = {"kannel",      "twilio",       "vonage",       "aliyun-sms",
                                    "tencent-sms", "aliyun-voice", "asterisk-ari", "generic"};
static provider *shipped[GW_COUNT(names)];
static schema *shape;

static bool load_all(void)
{
    gw_err err = {0};
    const char *dir = FUZZ_CONFIG;
    if (shape)
        return true;
    for (size_t i = 0; i < GW_COUNT(names); i++)
        if (provider_load(dir, names[i], &shipped[i], &err) != GW_OK)
            return false;
    return schema_load(FUZZ_CONFIG "/schema/provider.json", &shape, &err) == GW_OK;
}

static void use(const provider *p, gw_arena *arena)
{
    const provider_values v = {.to = GW_STR("+15550100123"),
                               .text = GW_STR("t\n\"\xE2\x82\xAC"),
                               .ref = GW_STR("07abc-1"),
                               .idempotency = GW_STR("k"),
                               .id = GW_STR("m/1"),
                               .valid_ms = 60000};
    const provider_secrets s = {.list = {{GW_STR("password"), GW_STR("p w")},
                                         {GW_STR("key"), GW_STR("whsec_MfKQ9r8GKYqr")},
                                         {GW_STR("access_key_secret"), GW_STR("x")},
                                         {GW_STR("secret_key"), GW_STR("y")}},
                                .n = 4};
    gw_err err = {0};
    provider_request r;
    provider_signature sig;
    if (provider_build(p, p->request, &v, arena, &r, &err) != GW_OK) {
        assert(err.text[0]);
        return;
    }
    assert(!memchr(r.url.p, ' ', r.url.n) && !memchr(r.url.p, '\n', r.url.n));
    provider_signature_init(&sig);
    if (provider_sign(p, &r, &s, (gw_wall){1700000000000}, GW_STR("n-1"), &sig, &err) != GW_OK)
        assert(err.text[0]);
    provider_signature_done(&sig);
}

static void try_file(gw_str text, gw_arena *arena)
{
    GW_AUTO(provider_free) provider *p = NULL;
    gw_err err = {0};
    if (provider_parse("f", text, shape, &p, &err) != GW_OK) {
        assert(err.text[0]);
        return;
    }
    use(p, arena);
}

static void try_call(const provider *p, gw_str query, gw_str body, gw_arena *arena)
{
    const provider_secrets s = {
        .list = {{GW_STR("callback_key"), GW_STR("k")}, {GW_STR("signature_secret"), GW_STR("s")}},
        .n = 2};
    hook_reading *got = gw_arena_alloc(arena, sizeof *got);
    gw_err err = {0};
    provider_answer answer;
    hook_request r = {
        .method = GW_STR("POST"),
        .url = GW_STR("https://us.example.test/hooks/x"),
        .query = query,
        .body = body,
        .headers = {{GW_STR("authorization"), query}, {GW_STR("x-twilio-signature"), query}},
        .header_n = 2};
    provider open = *p;
    if (!got)
        return;
    assert(provider_read_hook(p, &s, &r, (gw_wall){1}, arena, got, &err) != GW_OK ||
           got->auth != WIRE_AUTH_PULLED);
    open.verify = PROVIDER_VERIFY_NONE;
    if (provider_read_hook(&open, &s, &r, (gw_wall){1}, arena, got, &err) == GW_OK)
        for (size_t i = 0; i < got->event_n; i++)
            assert(got->events[i].kind == HOOK_INBOUND || got->events[i].own.n ||
                   got->events[i].ref.n);
    provider_read_answer(p, 200, body, arena, &answer);
    assert(answer.why);
    if (p->query)
        provider_read_query(p, 200, body, arena, &answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    GW_AUTO(gw_arena_free) gw_arena *arena = gw_arena_new(ARENA_MAX);
    if (n < 1 || n > INPUT_MAX || !arena || !load_all())
        return 0;
    gw_str text = {(const char *)data + 1, n - 1};
    if (data[0] == 'f') {
        try_file(text, arena);
        return 0;
    }
    const char *cut = text.n ? memchr(text.p, '\0', text.n) : NULL;
    gw_str query = {text.p, cut ? (size_t)(cut - text.p) : 0};
    gw_str body = cut ? (gw_str){cut + 1, text.n - query.n - 1} : text;
    try_call(shipped[data[0] % GW_COUNT(names)], query, body, arena);
    return 0;
}
