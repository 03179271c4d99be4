#include "gateway/policy/intervals.h"

void interval_add(interval_set *s, policy_interval add)
{
    size_t at = s->n;
    while (at > 0 && s->v[at - 1].to_ms >= add.from_ms)
        at--;
    size_t end = at; /* v[at..end) touch the new one and melt into it */
    while (end < s->n && s->v[end].from_ms <= add.to_ms) {
        add.from_ms = s->v[end].from_ms < add.from_ms ? s->v[end].from_ms : add.from_ms;
        add.to_ms = s->v[end].to_ms > add.to_ms ? s->v[end].to_ms : add.to_ms;
        end++;
    }
    if (end == at && s->n == POLICY_INTERVALS_MAX) {
        if (at == s->n)
            return;
        s->n--; /* the latest gives way */
    }
    memmove(&s->v[at + 1], &s->v[end], (s->n - end) * sizeof s->v[0]);
    s->n = s->n - (end - at) + 1;
    s->v[at] = add;
}

void interval_clip(interval_set *s, int64_t from_ms, int64_t to_ms)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        policy_interval x = s->v[i];
        x.from_ms = x.from_ms < from_ms ? from_ms : x.from_ms;
        x.to_ms = x.to_ms > to_ms ? to_ms : x.to_ms;
        if (x.from_ms < x.to_ms)
            s->v[n++] = x;
    }
    s->n = n;
}

void interval_remove(interval_set *s, policy_interval gone)
{
    interval_set left;
    left.n = 0;
    for (size_t i = 0; i < s->n; i++) {
        policy_interval x = s->v[i];
        policy_interval before = {x.from_ms, x.to_ms < gone.from_ms ? x.to_ms : gone.from_ms};
        policy_interval after = {x.from_ms > gone.to_ms ? x.from_ms : gone.to_ms, x.to_ms};
        if (before.from_ms < before.to_ms && left.n < POLICY_INTERVALS_MAX)
            left.v[left.n++] = before;
        if (after.from_ms < after.to_ms && left.n < POLICY_INTERVALS_MAX)
            left.v[left.n++] = after;
    }
    s->n = left.n;
    memcpy(s->v, left.v, left.n * sizeof left.v[0]);
}

void interval_intersect(interval_set *s, const interval_set *other)
{
    interval_set both;
    both.n = 0;
    for (size_t i = 0, k = 0; i < s->n && k < other->n && both.n < POLICY_INTERVALS_MAX;) {
        policy_interval a = s->v[i];
        policy_interval b = other->v[k];
        policy_interval x = {a.from_ms > b.from_ms ? a.from_ms : b.from_ms,
                             a.to_ms < b.to_ms ? a.to_ms : b.to_ms};
        if (x.from_ms < x.to_ms)
            both.v[both.n++] = x;
        if (a.to_ms < b.to_ms)
            i++;
        else
            k++;
    }
    s->n = both.n;
    memcpy(s->v, both.v, both.n * sizeof both.v[0]);
}
