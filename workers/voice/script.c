#include "workers/voice/script.h"

#include "gateway/base/json.h"
#include "workers/voice/sound.h"

#include <sodium.h>

static void put_audio(gw_buf *out, gw_str ulaw)
{
    GW_AUTO_BUF gw_buf wav;
    gw_buf_init(&wav, SCRIPT_BYTES_MAX);
    sound_put_wav(ulaw, &wav);
    size_t room = sodium_base64_ENCODED_LEN(wav.n, sodium_base64_VARIANT_ORIGINAL);
    json_put_name(out, "audio");
    gw_buf_putc(out, '"');
    char *to = wav.code == GW_OK ? gw_buf_reserve(out, room) : NULL;
    if (to) {
        sodium_bin2base64(to, room, (const unsigned char *)wav.data, wav.n,
                          sodium_base64_VARIANT_ORIGINAL);
        out->n += room - 1; /* without its NUL */
    } else if (out->code == GW_OK) {
        out->code = wav.code;
    }
    gw_buf_putc(out, '"');
}

gw_code script_put(const script *s, gw_buf *out, gw_err *err)
{
    gw_buf_putc(out, '{');
    json_put_member_str(out, "from", s->from);
    json_put_member_str(out, "locale", s->locale);
    json_put_name(out, "parts");
    gw_buf_putc(out, '[');
    bool first = true;
    for (int p = CALL_PART_NONE + 1; p < CALL_PART_COUNT; p++) {
        if (s->text[p].n == 0)
            continue;
        gw_buf_puts(out, first ? "{" : ",{");
        first = false;
        if (s->ulaw[p].n)
            put_audio(out, s->ulaw[p]);
        json_put_member_int(out, "ms", sound_ms(s->ulaw[p].n));
        json_put_member_str(out, "name", gw_str_of(call_part_name((call_part)p)));
        json_put_member_str(out, "text", s->text[p]);
        gw_buf_putc(out, '}');
    }
    gw_buf_putc(out, ']');
    json_put_member_str(out, "promise_date", s->promise_date);
    json_put_member_str(out, "to", s->to);
    gw_buf_puts(out, "}\n");
    return gw_buf_code(out, "a script", err);
}

static call_part part_named(gw_str name)
{
    for (int p = CALL_PART_NONE + 1; p < CALL_PART_COUNT; p++)
        if (gw_str_is(name, call_part_name((call_part)p)))
            return (call_part)p;
    return CALL_PART_NONE;
}

static gw_code read_audio(gw_str base64, gw_arena *arena, gw_str *ret, gw_err *err)
{
    GW_AUTO_BUF gw_buf ulaw;
    size_t n = 0;
    gw_buf_init(&ulaw, SCRIPT_BYTES_MAX);
    char *wav = gw_arena_alloc(arena, base64.n + 1);
    if (!wav)
        return gw_fail(err, GW_ENOMEM, "reading a script");
    if (sodium_base642bin((unsigned char *)wav, base64.n, base64.p, base64.n, NULL, &n, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return gw_fail(err, GW_EINVAL, "the sound of a script is not base64");
    gw_code rc = sound_from_wav((gw_str){wav, n}, &ulaw, err);
    if (rc != GW_OK)
        return rc;
    ret->p = gw_arena_copy(arena, gw_buf_str(&ulaw));
    ret->n = ret->p ? ulaw.n : 0;
    return ret->p ? GW_OK : gw_fail(err, GW_ENOMEM, "reading a script");
}

gw_code script_read(gw_str json, gw_arena *arena, script *ret, gw_err *err)
{
    json_doc d;
    gw_code rc = json_parse(json, arena, &d, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "reading a script");
    uint32_t parts = json_kind_of(&d, 0) == JSON_OBJECT ? json_member(&d, 0, "parts") : 0;
    if (parts == 0 || json_kind_of(&d, parts) != JSON_ARRAY)
        return gw_fail(err, GW_EINVAL, "a script has no parts");
    script s = {.from = json_get_str(&d, 0, "from"),
                .locale = json_get_str(&d, 0, "locale"),
                .to = json_get_str(&d, 0, "to"),
                .promise_date = json_get_str(&d, 0, "promise_date")};
    uint32_t at = json_first(parts);
    for (uint32_t i = 0; i < json_at(&d, parts)->count; i++, at = json_at(&d, at)->next) {
        if (json_kind_of(&d, at) != JSON_OBJECT)
            return gw_fail(err, GW_EINVAL, "a part of a script is no object");
        call_part p = part_named(json_get_str(&d, at, "name"));
        if (p == CALL_PART_NONE)
            return gw_fail(err, GW_EINVAL, "a part of a script has no known name");
        s.text[p] = json_get_str(&d, at, "text");
        gw_str audio = json_get_str(&d, at, "audio");
        rc = audio.n ? read_audio(audio, arena, &s.ulaw[p], err) : GW_OK;
        if (rc != GW_OK)
            return rc;
    }
    *ret = s;
    return GW_OK;
}
