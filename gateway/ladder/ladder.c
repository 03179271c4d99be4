#include "gateway/ladder/ladder.h"

#include "gateway/base/id.h"
#include "gateway/base/json_strict.h"
#include "gateway/base/jsonc.h"

#include <sodium.h>

enum { ARENA_MAX = 8 << 20, TITLE_MAX = 256, FIRST_TONE_MAX = 2, GAP_DAYS_MAX = 30 };

struct ladder {
    gw_arena *arena; /* holds the texts */
    const char *id, *version;
    char hash[2 * crypto_hash_sha256_BYTES + 1];
    int gap_days;
    ladder_step steps[LADDER_STEPS_MAX];
    size_t n;
};

static const char *const kind_names[] = {"send", "task", "handoff"};
static const char *const statement_names[] = {"none", "summary", "detailed"};
static const char *const channel_names[] = {"email", "sms", "voice", "letter", "visit", "desk"};

/* ---- members ---- */

/* Letters, digits and . _ - only: names become ids, file names and evidence. */
static bool is_name(gw_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (i > 0 && (c == '.' || c == '_' || c == '-'))))
            return false;
    }
    return s.n > 0 && s.n <= LADDER_NAME_MAX;
}

static gw_code keep_name(ladder *l, const json_doc *d, uint32_t node, const char **ret, gw_err *err)
{
    if (json_kind_of(d, node) != JSON_STRING || !is_name(json_str(d, node)))
        return json_fail(d, node, err, "a name of at most %d letters, digits, . _ - is expected",
                         LADDER_NAME_MAX);
    *ret = gw_arena_copy(l->arena, json_str(d, node));
    return *ret ? GW_OK : gw_fail(err, GW_ENOMEM, "out of memory");
}

static gw_code keep_member(ladder *l, const json_doc *d, uint32_t object, const char *member,
                           const char **ret, gw_err *err)
{
    return keep_name(l, d, json_member(d, object, member), ret, err);
}

static gw_code keep_roles(ladder *l, const json_doc *d, uint32_t step, const char *member,
                          const char **roles, size_t *n, gw_err *err)
{
    uint32_t list;
    gw_code rc = json_need_array(d, step, member, (uint32_t)(LADDER_ROLES_MAX - *n), &list, err);
    if (rc != GW_OK)
        return rc;
    for (uint32_t e = json_first(list); rc == GW_OK && e < json_at(d, list)->next;
         e = json_at(d, e)->next) {
        rc = keep_name(l, d, e, &roles[*n], err);
        for (size_t i = 0; rc == GW_OK && i < *n; i++)
            if (strcmp(roles[i], roles[*n]) == 0)
                rc = json_fail(d, e, err, "this role is there already");
        *n += rc == GW_OK;
    }
    return rc;
}

/* ---- one step ---- */

/* A term in business days, and the calendar it is counted in: both or none. */
static gw_code read_term(ladder *l, const json_doc *d, uint32_t node, ladder_step *s, gw_err *err)
{
    bool days = json_member(d, node, "term_days") != 0;
    int64_t n = 0;
    if (days != (json_member(d, node, "calendar") != 0))
        return json_fail(d, node, err, "term_days and calendar go together");
    if (!days)
        return GW_OK;
    gw_code rc = json_need_int(d, node, "term_days", 1, LADDER_TERM_MAX, &n, err);
    s->term_days = (int)n;
    return rc == GW_OK ? keep_member(l, d, node, "calendar", &s->calendar, err) : rc;
}

static gw_code read_numbers(const json_doc *d, uint32_t node, ladder_step *s, gw_err *err)
{
    int64_t day = 0;
    int64_t tone = 0;
    int64_t valid = 0;
    gw_code rc = json_need_int(d, node, "day", -LADDER_DAY_MAX, LADDER_DAY_MAX, &day, err);
    if (rc == GW_OK)
        rc = json_need_int(d, node, "tone", 1, LADDER_TONE_MAX, &tone, err);
    if (rc == GW_OK)
        rc = json_need_int(d, node, "valid_days", 0, LADDER_DAY_MAX, &valid, err);
    s->day = (int)day;
    s->tone = (int)tone;
    s->valid_days = (int)valid;
    return rc;
}

static gw_code read_choices(const json_doc *d, uint32_t node, ladder_step *s, gw_err *err)
{
    size_t kind = 0;
    size_t channel = 0;
    size_t statement = 0;
    gw_code rc = json_need_choice(d, node, "kind", kind_names, GW_COUNT(kind_names), &kind, err);
    if (rc == GW_OK)
        rc = json_need_choice(d, node, "channel", channel_names, GW_COUNT(channel_names), &channel,
                              err);
    if (rc == GW_OK)
        rc = json_need_choice(d, node, "statement", statement_names, GW_COUNT(statement_names),
                              &statement, err);
    s->kind = (ladder_kind)kind;
    s->channel = channel_names[channel];
    s->statement = (ladder_statement)statement;
    if (rc == GW_OK && (s->kind == LADDER_HANDOFF) != gw_str_is(gw_str_of(s->channel), "desk"))
        rc = json_fail(d, node, err, "kind handoff and channel desk go together");
    bool by_people =
        gw_str_is(gw_str_of(s->channel), "letter") || gw_str_is(gw_str_of(s->channel), "visit");
    if (rc == GW_OK && by_people && s->kind != LADDER_TASK)
        rc = json_fail(d, node, err, "letters and visits are made by people: kind task");
    return rc;
}

static gw_code read_texts(ladder *l, const json_doc *d, uint32_t node, ladder_step *s, gw_err *err)
{
    gw_code rc = keep_member(l, d, node, "id", &s->id, err);
    if (rc == GW_OK)
        rc = keep_member(l, d, node, "template", &s->template_name, err);
    if (rc == GW_OK)
        rc = keep_member(l, d, node, "to", &s->to[0], err);
    s->to_n = 1;
    if (rc == GW_OK)
        rc = keep_roles(l, d, node, "fallback", s->to, &s->to_n, err);
    if (rc == GW_OK)
        rc = keep_roles(l, d, node, "cc", s->cc, &s->cc_n, err);
    return rc;
}

/* What a step owes to those before it. */
static gw_code check_order(const ladder *l, const json_doc *d, uint32_t node, const ladder_step *s,
                           gw_err *err)
{
    int highest = FIRST_TONE_MAX - 1;
    for (size_t i = 0; i < l->n; i++) {
        if (strcmp(l->steps[i].id, s->id) == 0)
            return json_fail(d, json_member(d, node, "id"), err, "an earlier step has this id");
        highest = l->steps[i].tone > highest ? l->steps[i].tone : highest;
    }
    if (l->n && s->day < l->steps[l->n - 1].day)
        return json_fail(d, json_member(d, node, "day"), err,
                         "before the day of the step above; put the steps in order of day");
    if (s->tone > highest + 1)
        return json_fail(d, json_member(d, node, "tone"), err,
                         "tone skips a level: at most %d is allowed here", highest + 1);
    return GW_OK;
}

static gw_code read_step(ladder *l, const json_doc *d, uint32_t node, gw_err *err)
{
    static const char *const members[] = {
        "!id",       "!day", "!kind",       "!channel",   "!template", "!tone",   "!to",
        "!fallback", "!cc",  "!valid_days", "!statement", "term_days", "calendar"};
    ladder_step s = {0};
    gw_code rc = json_check_members(d, node, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = read_numbers(d, node, &s, err);
    if (rc == GW_OK)
        rc = read_choices(d, node, &s, err);
    if (rc == GW_OK)
        rc = read_texts(l, d, node, &s, err);
    if (rc == GW_OK)
        rc = read_term(l, d, node, &s, err);
    if (rc == GW_OK)
        rc = check_order(l, d, node, &s, err);
    if (rc == GW_OK)
        l->steps[l->n++] = s;
    return rc;
}

/* ---- the whole ---- */

static gw_code read_head(ladder *l, const json_doc *d, gw_err *err)
{
    static const char *const members[] = {"!format", "!id",       "!version",
                                          "!title",  "!gap_days", "!steps"};
    int64_t format;
    int64_t gap = 0;
    gw_str title;
    gw_code rc = json_check_members(d, 0, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = json_need_int(d, 0, "format", 1, 1, &format, err);
    if (rc == GW_OK)
        rc = json_need_str(d, 0, "title", TITLE_MAX, &title, err);
    if (rc == GW_OK)
        rc = json_need_int(d, 0, "gap_days", 0, GAP_DAYS_MAX, &gap, err);
    if (rc == GW_OK)
        rc = keep_member(l, d, 0, "id", &l->id, err);
    if (rc == GW_OK)
        rc = keep_member(l, d, 0, "version", &l->version, err);
    l->gap_days = (int)gap;
    return rc;
}

static gw_code read_steps(ladder *l, const json_doc *d, gw_err *err)
{
    uint32_t list;
    gw_code rc = json_need_array(d, 0, "steps", LADDER_STEPS_MAX, &list, err);
    if (rc == GW_OK && json_at(d, list)->count == 0)
        rc = json_fail(d, list, err, "a ladder needs at least one step");
    for (uint32_t e = json_first(list); rc == GW_OK && e < json_at(d, list)->next;
         e = json_at(d, e)->next)
        rc = read_step(l, d, e, err);
    return rc;
}

static gw_code keep_hash(ladder *l, const jsonc_file *file, gw_err *err)
{
    GW_AUTO_FREE char *canonical = NULL;
    unsigned char digest[crypto_hash_sha256_BYTES];
    gw_code rc = jsonc_canonical(file, &canonical, err);
    if (rc != GW_OK)
        return rc;
    crypto_hash_sha256(digest, (const unsigned char *)canonical, strlen(canonical));
    gw_hex(digest, sizeof digest, l->hash);
    return GW_OK;
}

gw_code ladder_parse(const char *name, gw_str text, ladder **ret, gw_err *err)
{
    GW_AUTO_JSONC jsonc_file file = {0};
    GW_AUTO(ladder_free) ladder *l = calloc(1, sizeof *l);
    if (!l || !(l->arena = gw_arena_new(ARENA_MAX)))
        return gw_fail(err, GW_ENOMEM, "%s", name);
    gw_code rc = jsonc_open(text, LADDER_BYTES_MAX, &file, err);
    if (rc == GW_OK)
        rc = read_head(l, &file.doc, err);
    if (rc == GW_OK)
        rc = read_steps(l, &file.doc, err);
    if (rc == GW_OK)
        rc = keep_hash(l, &file, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "%s", name);
    *ret = l;
    l = NULL;
    return GW_OK;
}

void ladder_free(ladder *l)
{
    if (!l)
        return;
    gw_arena_free(l->arena);
    free(l);
}

const char *ladder_id(const ladder *l)
{
    return l->id;
}

const char *ladder_version(const ladder *l)
{
    return l->version;
}

const char *ladder_hash(const ladder *l)
{
    return l->hash;
}

int ladder_gap_days(const ladder *l)
{
    return l->gap_days;
}

const ladder_step *ladder_steps(const ladder *l, size_t *ret_n)
{
    *ret_n = l->n;
    return l->steps;
}

const ladder_step *ladder_find(const ladder *l, gw_str step_id)
{
    for (size_t i = 0; i < l->n; i++)
        if (gw_str_is(step_id, l->steps[i].id))
            return &l->steps[i];
    return NULL;
}

const char *ladder_kind_name(ladder_kind k)
{
    return (unsigned)k < GW_COUNT(kind_names) ? kind_names[k] : "?";
}

const char *ladder_statement_name(ladder_statement s)
{
    return (unsigned)s < GW_COUNT(statement_names) ? statement_names[s] : "?";
}
