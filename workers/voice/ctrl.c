#include "workers/voice/ctrl.h"

#include "gateway/base/json.h"

#include <stdio.h>

static int leading_status(gw_str s)
{
    int n = 0;
    for (size_t i = 0; i < 3; i++) {
        if (i >= s.n || s.p[i] < '0' || s.p[i] > '9')
            return 0;
        n = n * 10 + s.p[i] - '0';
    }
    return s.n == 3 || s.p[3] == ' ' ? n : 0;
}

/* "-21.42"; levels that are none count as silence. */
static double level_of(gw_str s)
{
    char text[16];
    enum { SILENCE = -127 };
    if (s.n == 0 || s.n >= sizeof text)
        return SILENCE;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    char *end;
    double v = strtod(text, &end);
    return *end == '\0' && v >= SILENCE && v <= 0 ? v : SILENCE;
}

static trunk_event read_event(const json_doc *d)
{
    static const struct {
        const char *type;
        trunk_kind kind;
    } types[] = {
        {"CALL_RINGING", TRUNK_RINGING},         {"CALL_PROGRESS", TRUNK_RINGING},
        {"CALL_ESTABLISHED", TRUNK_ESTABLISHED}, {"CALL_CLOSED", TRUNK_CLOSED},
        {"CALL_DTMF_START", TRUNK_KEY},          {"VU_RX_REPORT", TRUNK_LEVEL},
    };
    trunk_event e = {.kind = TRUNK_OTHER};
    if (!gw_str_is(json_get_str(d, 0, "direction"), "outgoing"))
        return e;
    gw_str type = json_get_str(d, 0, "type");
    gw_str param = json_get_str(d, 0, "param");
    for (size_t i = 0; i < GW_COUNT(types); i++)
        if (gw_str_is(type, types[i].type))
            e.kind = types[i].kind;
    if (e.kind == TRUNK_CLOSED)
        e.sip = leading_status(param);
    else if (e.kind == TRUNK_KEY)
        e.key = param.n ? param.p[0] : '\0';
    else if (e.kind == TRUNK_LEVEL)
        e.level = level_of(param);
    return e;
}

/* Length of the netstring's head ("12:"), 0 while it is not whole. */
static gw_code read_head(const gw_buf *in, size_t *ret_head, size_t *ret_n, gw_err *err)
{
    size_t n = 0, i = 0;
    for (; i < in->n && in->data[i] >= '0' && in->data[i] <= '9'; i++) {
        n = n * 10 + (size_t)(in->data[i] - '0');
        if (n > CTRL_FRAME_MAX)
            return gw_fail(err, GW_ELIMIT, "a message of baresip has more than %d bytes",
                           CTRL_FRAME_MAX);
    }
    if (i < in->n && (i == 0 || in->data[i] != ':'))
        return gw_fail(err, GW_EINVAL, "baresip's control connection says no netstring");
    *ret_head = i < in->n ? i + 1 : 0;
    *ret_n = n;
    return GW_OK;
}

gw_code ctrl_take(gw_buf *in, gw_arena *arena, bool *ret_whole, trunk_event *ret, gw_err *err)
{
    size_t head = 0, n = 0; /* gcc cannot see that a read frame fills them */
    json_doc d;
    *ret_whole = false;
    gw_code rc = read_head(in, &head, &n, err);
    if (rc != GW_OK || head == 0 || in->n < head + n + 1)
        return rc;
    if (in->data[head + n] != ',')
        return gw_fail(err, GW_EINVAL, "baresip's control connection says no netstring");
    rc = json_parse((gw_str){in->data + head, n}, arena, &d, err);
    if (rc == GW_OK && json_kind_of(&d, 0) != JSON_OBJECT)
        rc = gw_fail(err, GW_EINVAL, "a message of baresip is no JSON object");
    if (rc != GW_OK)
        return rc;
    if (json_get_bool(&d, 0, "response", false))
        *ret = (trunk_event){.kind = TRUNK_RESPONSE, .ok = json_get_bool(&d, 0, "ok", false)};
    else
        *ret = read_event(&d);
    size_t whole = head + n + 1;
    memmove(in->data, in->data + whole, in->n - whole);
    in->n -= whole;
    *ret_whole = true;
    return GW_OK;
}

void ctrl_put(gw_buf *out, const char *command, gw_str params)
{
    GW_AUTO_BUF gw_buf body;
    gw_buf_init(&body, CTRL_COMMAND_MAX);
    gw_buf_putc(&body, '{');
    json_put_member_str(&body, "command", gw_str_of(command));
    json_put_member_str(&body, "params", params);
    gw_buf_putc(&body, '}');
    gw_buf_printf(out, "%zu:%.*s,", body.n, GW_STR_ARG(gw_buf_str(&body)));
}
