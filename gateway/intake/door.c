#include "gateway/intake/door.h"

#include "gateway/intake/turn.h"

struct door {
    intake_config config;
    turn *turn;
    intake_counts total;
};

gw_code door_open(const intake_config *config, door **ret, gw_err *err)
{
    door *d = calloc(1, sizeof *d);
    if (!d)
        return gw_fail(err, GW_ENOMEM, "intake: out of memory");
    d->config = *config;
    gw_code rc = turn_new(&d->config, &d->turn, err);
    if (rc != GW_OK) {
        door_close(d);
        return rc;
    }
    *ret = d;
    return GW_OK;
}

void door_close(door *d)
{
    if (!d)
        return;
    if (d->turn)
        turn_clear(d->turn);
    turn_free(d->turn);
    free(d);
}

bool door_begin(door *d, verb v, zap_role role, gw_str who)
{
    turn *t = d->turn;
    if (!turn_has_room(t))
        return false;
    char *copy = gw_arena_copy(t->arena, who);
    if (!copy)
        return false;
    request *r = &t->requests[t->request_n++];
    *r = (request){.verb = v, .role = role, .who = {copy, who.n}, .first = t->slot_n};
    zmq_msg_init(&r->route);
    t->counts.messages++;
    return true;
}

bool door_body(door *d, gw_str bytes)
{
    turn *t = d->turn;
    request *r = &t->requests[t->request_n - 1];
    if (t->request_n == 0 || r->n == INTAKE_BODIES_MAX)
        return false;
    slot *s = &t->slots[t->slot_n];
    *s = (slot){.request = t->request_n - 1};
    if (zmq_msg_init_size(&s->body, bytes.n) != 0)
        return false;
    if (bytes.n)
        memcpy(zmq_msg_data(&s->body), bytes.p, bytes.n);
    t->slot_n++;
    r->n++;
    t->bytes += bytes.n;
    return true;
}

void door_play(door *d)
{
    turn *t = d->turn;
    turn_play(t);
    intake_counts *total = &d->total, *c = &t->counts;
    total->messages += c->messages;
    total->accepted += c->accepted;
    total->duplicate += c->duplicate;
    total->rejected += c->rejected;
    total->busy += c->busy;
    total->answered += c->answered;
    t->counts = (intake_counts){0};
}

gw_str door_verdict(const door *d, size_t request_at, size_t body)
{
    const turn *t = d->turn;
    return turn_verdict(t, &t->slots[t->requests[request_at].first + body]);
}

void door_clear(door *d)
{
    turn *t = d->turn;
    for (uint32_t i = 0; i < t->request_n; i++)
        zmq_msg_close(&t->requests[i].route);
    turn_clear(t);
}

void door_count(const door *d, intake_counts *ret)
{
    *ret = d->total;
}
