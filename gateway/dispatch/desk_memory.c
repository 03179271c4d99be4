#include "gateway/dispatch/desk.h"

enum { MEMORY_MAX = 32 * 1024 };

void desk_memory_read(const view_reminder *r, gw_arena *arena, desk_memory *ret)
{
    json_doc j;
    desk_memory m = {0};
    if (r->desk.n && json_parse(r->desk, arena, &j, NULL) == GW_OK &&
        json_kind_of(&j, 0) == JSON_OBJECT) {
        m.opened_ms = json_get_int(&j, 0, "opened", 0);
        m.dialled_ms = json_get_int(&j, 0, "dialled", 0);
        m.lease = json_get_int(&j, 0, "lease", 0);
        m.tries = json_get_int(&j, 0, "tries", 0);
        m.confirmed = json_get_bool(&j, 0, "confirmed", false);
        uint32_t list = json_member(&j, 0, "acts");
        uint32_t end = list ? json_at(&j, list)->next : 0;
        for (uint32_t e = list ? json_first(list) : 0; e < end && m.act_n < DESK_RECORDS_MAX;
             e = json_at(&j, e)->next)
            m.acts[m.act_n++] = (desk_act){json_get_str(&j, e, "id"), json_get_str(&j, e, "sum"),
                                           json_get_int(&j, e, "at", 0)};
    }
    *ret = m;
}

gw_str desk_memory_text(const desk_memory *m, gw_arena *arena)
{
    GW_AUTO_BUF gw_buf b;
    gw_buf_init(&b, MEMORY_MAX);
    gw_buf_putc(&b, '{');
    json_put_member_int(&b, "opened", m->opened_ms);
    json_put_member_int(&b, "dialled", m->dialled_ms);
    json_put_member_int(&b, "lease", m->lease);
    json_put_member_int(&b, "tries", m->tries);
    json_put_member_bool(&b, "confirmed", m->confirmed);
    json_put_name(&b, "acts");
    gw_buf_putc(&b, '[');
    for (size_t i = 0; i < m->act_n; i++) {
        gw_buf_puts(&b, i ? ",{" : "{");
        json_put_member_str(&b, "id", m->acts[i].id);
        json_put_member_str(&b, "sum", m->acts[i].sum);
        json_put_member_int(&b, "at", m->acts[i].at_ms);
        gw_buf_putc(&b, '}');
    }
    gw_buf_puts(&b, "]}");
    char *text = b.code == GW_OK ? gw_arena_copy(arena, gw_buf_str(&b)) : NULL;
    return (gw_str){text, text ? b.n : 0};
}

const desk_act *desk_memory_act(const desk_memory *m, gw_str id)
{
    for (size_t i = 0; i < m->act_n; i++)
        if (gw_str_eq(m->acts[i].id, id))
            return &m->acts[i];
    return NULL;
}

void desk_memory_add(desk_memory *m, gw_str id, gw_str sum, int64_t at_ms)
{
    if (m->act_n == DESK_RECORDS_MAX) {
        memmove(m->acts, m->acts + 1, (DESK_RECORDS_MAX - 1) * sizeof *m->acts);
        m->act_n--;
    }
    m->acts[m->act_n++] = (desk_act){id, sum, at_ms};
}
