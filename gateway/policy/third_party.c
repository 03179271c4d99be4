#include "gateway/policy/third_party.h"

#include "gateway/base/file.h"
#include "gateway/base/json_strict.h"
#include "gateway/base/jsonc.h"
#include "gateway/policy/optout_part.h"

enum { ARENA_MAX = 256 * 1024 };

struct third_party {
    gw_arena *arena;
    gw_str roles[THIRD_PARTY_ROLES_MAX]; /* folded */
    size_t n;
};

/* Most roles are plain words, looked at with every decision: no library is asked about them. False:
 * some byte is none of [A-Za-z0-9 _-]. */
static bool fold_plain(gw_str role, gw_buf *room)
{
    bool gap = false;
    for (size_t i = 0; i < role.n; i++) {
        char c = role.p[i];
        bool upper = c >= 'A' && c <= 'Z';
        if (c == ' ' || c == '_' || c == '-') {
            gap = true;
            continue;
        }
        if (!upper && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            return false;
        if (gap && room->n)
            gw_buf_putc(room, ' ');
        gap = false;
        gw_buf_putc(room, upper ? (char)(c - 'A' + 'a') : c);
    }
    return true;
}

/* Else the opt-out words' folding does what is needed here too. */
static gw_str fold(gw_str role, gw_buf *room)
{
    gw_buf_clear(room);
    if (!fold_plain(role, room)) {
        gw_buf_clear(room);
        if (!optout_fold(role, room))
            return (gw_str){NULL, 0};
    }
    gw_str s = gw_buf_str(room);
    if (s.n > 3 && s.p[s.n - 1] == 's')
        s.n--;
    return s;
}

static gw_code add_role(third_party *t, const json_doc *d, uint32_t node, gw_err *err)
{
    GW_AUTO_BUF gw_buf room;
    gw_buf_init(&room, THIRD_PARTY_ROLE_MAX);
    gw_str folded =
        json_kind_of(d, node) == JSON_STRING ? fold(json_str(d, node), &room) : (gw_str){NULL, 0};
    if (folded.n == 0)
        return json_fail(d, node, err, "a role of 1 to %d bytes is expected", THIRD_PARTY_ROLE_MAX);
    char *copy = gw_arena_copy(t->arena, folded);
    if (!copy)
        return gw_fail(err, GW_ENOMEM, "reading roles: out of memory");
    t->roles[t->n++] = (gw_str){copy, folded.n};
    return GW_OK;
}

static gw_code read_roles(third_party *t, const json_doc *d, gw_err *err)
{
    static const char *const members[] = {"!format", "!roles"};
    int64_t format;
    uint32_t list;
    gw_code rc = json_check_members(d, 0, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = json_need_int(d, 0, "format", 1, 1, &format, err);
    if (rc == GW_OK)
        rc = json_need_array(d, 0, "roles", THIRD_PARTY_ROLES_MAX, &list, err);
    if (rc != GW_OK)
        return rc;
    for (uint32_t at = json_first(list); at < json_at(d, list)->next && rc == GW_OK;
         at = json_at(d, at)->next)
        rc = add_role(t, d, at, err);
    return rc;
}

gw_code third_party_parse(const char *name, gw_str text, third_party **ret, gw_err *err)
{
    GW_AUTO_JSONC jsonc_file f = {0};
    GW_AUTO(third_party_free) third_party *t = calloc(1, sizeof *t);
    if (!t || !(t->arena = gw_arena_new(ARENA_MAX)))
        return gw_fail(err, GW_ENOMEM, "reading roles: out of memory");
    gw_code rc = jsonc_open(text, THIRD_PARTY_FILE_BYTES_MAX, &f, err);
    if (rc == GW_OK)
        rc = read_roles(t, &f.doc, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "%s", name);
    *ret = t;
    t = NULL;
    return GW_OK;
}

gw_code third_party_load(const char *path, third_party **ret, gw_err *err)
{
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, THIRD_PARTY_FILE_BYTES_MAX);
    gw_code rc = gw_file_read(path, &text, err);
    return rc == GW_OK ? third_party_parse(path, gw_buf_str(&text), ret, err) : rc;
}

void third_party_free(third_party *t)
{
    if (!t)
        return;
    gw_arena_free(t->arena);
    free(t);
}

bool third_party_has(const third_party *t, gw_str role)
{
    GW_AUTO_BUF gw_buf room;
    gw_buf_init(&room, THIRD_PARTY_ROLE_MAX);
    if (!t || role.n == 0)
        return false;
    gw_str folded = fold(role, &room);
    for (size_t i = 0; i < t->n && folded.n; i++)
        if (gw_str_eq(t->roles[i], folded))
            return true;
    return false;
}
