#include "gateway/dispatch/desk_excuse.h"

#include "gateway/base/file.h"
#include "gateway/base/json_strict.h"
#include "gateway/base/jsonc.h"
#include "gateway/dispatch/desk_outcome.h"

#include <dirent.h>
#include <stdio.h>

enum { ARENA_MAX = 16 << 20, LOCALE_MAX = 32, CODE_MAX = 32, PATH_BYTES = 2048 };

typedef struct {
    const char *locale;
    desk_excuse rows[DESK_EXCUSES_MAX];
    size_t n;
} file_rows;

struct desk_excuses {
    gw_arena *arena;
    file_rows *files[DESK_EXCUSE_FILES_MAX];
    size_t n;
};

desk_excuses *desk_excuses_new(void)
{
    desk_excuses *e = calloc(1, sizeof *e);
    if (e && !(e->arena = gw_arena_new(ARENA_MAX))) {
        free(e);
        return NULL;
    }
    return e;
}

void desk_excuses_free(desk_excuses *e)
{
    if (!e)
        return;
    gw_arena_free(e->arena);
    free(e);
}

/* ---- one file ---- */

static bool is_code(gw_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
              (i && s.p[i] == '-')))
            return false;
    return s.n > 0;
}

static const char *keep(desk_excuses *e, gw_str s)
{
    return gw_arena_copy(e->arena, s);
}

static const desk_excuse *find(const file_rows *f, gw_str code)
{
    for (size_t i = 0; i < f->n; i++)
        if (gw_str_is(code, f->rows[i].code))
            return &f->rows[i];
    return NULL;
}

static gw_code read_row(desk_excuses *e, file_rows *f, const json_doc *d, uint32_t node,
                        gw_err *err)
{
    static const char *const members[] = {"!code", "!says", "!answer", "!days", "!outcome"};
    gw_str code, says, answer, outcome;
    int64_t days = 0;
    gw_code rc = json_check_members(d, node, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = json_need_str(d, node, "code", CODE_MAX, &code, err);
    if (rc == GW_OK)
        rc = json_need_str(d, node, "says", DESK_EXCUSE_TEXT_MAX, &says, err);
    if (rc == GW_OK)
        rc = json_need_str(d, node, "answer", DESK_EXCUSE_TEXT_MAX, &answer, err);
    if (rc == GW_OK)
        rc = json_need_int(d, node, "days", 0, DESK_EXCUSE_DAYS_MAX, &days, err);
    if (rc != GW_OK)
        return rc;
    outcome = json_get_str(d, node, "outcome");
    if (!is_code(code) || find(f, code))
        return json_fail(d, json_member(d, node, "code"), err,
                         "a code of a-z 0-9 - that no row above has is expected");
    if (outcome.n && !desk_outcome_named(outcome))
        return json_fail(d, json_member(d, node, "outcome"), err, "there is no such outcome");
    desk_excuse row = {keep(e, code), keep(e, says), keep(e, answer),
                       keep(e, outcome.n ? outcome : GW_STR("")), (int)days};
    if (!row.code || !row.says || !row.answer || !row.outcome)
        return gw_fail(err, GW_ENOMEM, "out of memory");
    if ((strstr(row.answer, "{{date}}") != NULL) != (days > 0))
        return json_fail(d, json_member(d, node, "days"), err,
                         "days and {{date}} in the answer go together");
    f->rows[f->n++] = row;
    return GW_OK;
}

/* The first file is the measure of the others. */
static gw_code same_codes(const desk_excuses *e, const file_rows *f, gw_err *err)
{
    if (e->n == 0)
        return GW_OK;
    const file_rows *first = e->files[0];
    for (size_t i = 0; i < first->n; i++)
        if (!find(f, gw_str_of(first->rows[i].code)))
            return gw_fail(err, GW_EINVAL, "the code %s of %s is missing", first->rows[i].code,
                           first->locale);
    return f->n == first->n
               ? GW_OK
               : gw_fail(err, GW_EINVAL, "it has codes that %s does not have", first->locale);
}

static gw_code read_file(desk_excuses *e, const json_doc *d, file_rows *f, gw_err *err)
{
    static const char *const members[] = {"!format", "!locale", "!excuses"};
    int64_t format;
    uint32_t list = 0;
    gw_str locale;
    gw_code rc = json_check_members(d, 0, members, GW_COUNT(members), err);
    if (rc == GW_OK)
        rc = json_need_int(d, 0, "format", 1, 1, &format, err);
    if (rc == GW_OK)
        rc = json_need_str(d, 0, "locale", LOCALE_MAX, &locale, err);
    if (rc == GW_OK)
        rc = json_need_array(d, 0, "excuses", DESK_EXCUSES_MAX, &list, err);
    if (rc != GW_OK)
        return rc;
    f->locale = keep(e, locale);
    if (!f->locale)
        return gw_fail(err, GW_ENOMEM, "out of memory");
    for (uint32_t x = json_first(list); rc == GW_OK && x < json_at(d, list)->next;
         x = json_at(d, x)->next)
        rc = read_row(e, f, d, x, err);
    return rc == GW_OK ? same_codes(e, f, err) : rc;
}

gw_code desk_excuses_add(desk_excuses *e, const char *name, gw_str text, gw_err *err)
{
    GW_AUTO_JSONC jsonc_file file = {0};
    if (e->n == DESK_EXCUSE_FILES_MAX)
        return gw_fail(err, GW_ELIMIT, "more than %d files of excuses", DESK_EXCUSE_FILES_MAX);
    file_rows *f = gw_arena_alloc(e->arena, sizeof *f);
    if (!f)
        return gw_fail(err, GW_ENOMEM, "%s", name);
    memset(f, 0, sizeof *f);
    gw_code rc = jsonc_open(text, DESK_EXCUSE_BYTES_MAX, &file, err);
    if (rc == GW_OK)
        rc = read_file(e, &file.doc, f, err);
    if (rc != GW_OK)
        return gw_wrap(err, rc, "%s", name);
    e->files[e->n++] = f;
    return GW_OK;
}

static int is_jsonc(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return d->d_name[0] != '.' && n > 6 && strcmp(d->d_name + n - 6, ".jsonc") == 0;
}

gw_code desk_excuses_load(const char *dir, desk_excuses **ret, gw_err *err)
{
    struct dirent **names = NULL;
    GW_AUTO(desk_excuses_free) desk_excuses *e = desk_excuses_new();
    if (!e)
        return gw_fail(err, GW_ENOMEM, "reading excuses");
    int n = scandir(dir, &names, is_jsonc, alphasort);
    gw_code rc = n > 0 ? GW_OK : gw_fail(err, GW_ENOTFOUND, "%s: no *.jsonc with excuses", dir);
    for (int i = 0; i < n; i++) {
        char path[PATH_BYTES];
        GW_AUTO_BUF gw_buf text;
        gw_buf_init(&text, DESK_EXCUSE_BYTES_MAX);
        int length = snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
        if (rc == GW_OK && length >= (int)sizeof path)
            rc = gw_fail(err, GW_ELIMIT, "a path is longer than %d bytes", PATH_BYTES);
        if (rc == GW_OK)
            rc = gw_file_read(path, &text, err);
        if (rc == GW_OK)
            rc = desk_excuses_add(e, names[i]->d_name, gw_buf_str(&text), err);
        free(names[i]);
    }
    free(names);
    if (rc != GW_OK)
        return rc;
    *ret = e;
    e = NULL;
    return GW_OK;
}

/* ---- questions ---- */

const desk_excuse *desk_excuses_of(const desk_excuses *e, gw_str locale, size_t *ret_n)
{
    const char *dash = locale.n ? memchr(locale.p, '-', locale.n) : NULL;
    const gw_str wanted[] = {
        locale, {locale.p, dash ? (size_t)(dash - locale.p) : locale.n}, GW_STR("en")};
    *ret_n = 0;
    if (!e || e->n == 0)
        return NULL;
    const file_rows *found = NULL;
    for (size_t w = 0; w < GW_COUNT(wanted) && !found; w++)
        for (size_t i = 0; i < e->n && !found; i++)
            if (wanted[w].n && gw_str_is(wanted[w], e->files[i]->locale))
                found = e->files[i];
    found = found ? found : e->files[0];
    *ret_n = found->n;
    return found->rows;
}

bool desk_excuse_known(const desk_excuses *e, gw_str code)
{
    return e->n && find(e->files[0], code);
}

int32_t desk_working_day(int32_t today, int n)
{
    enum { THURSDAY = 3, SATURDAY = 5 }; /* day 0 is 1970-01-01 */
    int32_t day = today;
    while (n > 0) {
        day++;
        n -= ((day % 7 + 7) % 7 + THURSDAY) % 7 < SATURDAY;
    }
    return day;
}
