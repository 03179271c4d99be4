#include "gateway/timing/lab/trace.h"

#include "gateway/base/buf.h"
#include "gateway/timing/random.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum { COLUMNS = 4, CELLS_MAX = 64, DAY_MAX = 100000000 };
static const char *const column_names[COLUMNS] = {"person", "day", "dow", "hour"};

typedef struct {
    uint32_t person;
    int32_t day;
    uint8_t dow, hour;
} row;

typedef struct {
    char *text; /* NULL: free slot */
    uint32_t id;
} slot;

struct trace {
    trace_day *days;
    trace_person *persons;
    trace_about about;
};

typedef struct {
    size_t line;
    int at[COLUMNS]; /* cell of each column */
    row *rows;
    size_t n, cap;
    slot *slots; /* open addressing, at most half full */
    size_t slot_n, slot_cap;
} reader;

/* ---- persons by name ---- */

static uint64_t hash_of(const char *text)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return timing_mix(h);
}

static slot *slot_of(slot *slots, size_t cap, const char *text)
{
    size_t i = (size_t)hash_of(text) & (cap - 1);
    while (slots[i].text && strcmp(slots[i].text, text) != 0)
        i = (i + 1) & (cap - 1);
    return &slots[i];
}

static bool grow_slots(reader *r)
{
    size_t cap = r->slot_cap ? r->slot_cap * 2 : 1024;
    slot *slots = calloc(cap, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < r->slot_cap; i++)
        if (r->slots[i].text)
            *slot_of(slots, cap, r->slots[i].text) = r->slots[i];
    free(r->slots);
    r->slots = slots;
    r->slot_cap = cap;
    return true;
}

static bool person_of(reader *r, const char *text, uint32_t *ret)
{
    if (r->slot_n * 2 >= r->slot_cap && !grow_slots(r))
        return false;
    slot *s = slot_of(r->slots, r->slot_cap, text);
    if (!s->text) {
        s->text = strdup(text);
        s->id = (uint32_t)r->slot_n;
        if (!s->text)
            return false;
        r->slot_n++;
    }
    *ret = s->id;
    return true;
}

/* ---- lines ---- */

/* Cut a line into cells in place; quotes around a cell are taken off. */
static size_t cut(char *line, char *cells[CELLS_MAX])
{
    size_t n = 0;
    for (char *p = line; p && n < CELLS_MAX;) {
        char *comma = strchr(p, ',');
        if (comma)
            *comma = '\0';
        while (isspace((unsigned char)*p))
            p++;
        char *end = p + strlen(p);
        while (end > p && isspace((unsigned char)end[-1]))
            *--end = '\0';
        if (end - p >= 2 && *p == '"' && end[-1] == '"') {
            end[-1] = '\0';
            p++;
        }
        cells[n++] = p;
        p = comma ? comma + 1 : NULL;
    }
    return n;
}

static gw_code read_header(reader *r, char *line, gw_err *err)
{
    char *cells[CELLS_MAX];
    if (strncmp(line, "\xEF\xBB\xBF", 3) == 0)
        line += 3;
    size_t n = cut(line, cells);
    for (int c = 0; c < COLUMNS; c++) {
        r->at[c] = -1;
        for (size_t i = 0; i < n; i++)
            if (strcasecmp(cells[i], column_names[c]) == 0)
                r->at[c] = (int)i;
        if (r->at[c] < 0)
            return gw_fail(err, GW_EINVAL,
                           "line %zu: no column \"%s\"; the first line names the columns "
                           "person,day,dow,hour",
                           r->line, column_names[c]);
    }
    return GW_OK;
}

static gw_code whole_number(const reader *r, const char *name, const char *text, long least,
                            long most, long *ret, gw_err *err)
{
    char *end;
    errno = 0;
    long v = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || errno || v < least || v > most)
        return gw_fail(err, GW_EINVAL, "line %zu: %s must be a whole number from %ld to %ld",
                       r->line, name, least, most);
    *ret = v;
    return GW_OK;
}

static bool has_room(reader *r)
{
    if (r->n < r->cap)
        return true;
    size_t cap = r->cap ? r->cap * 2 : 4096;
    row *rows = realloc(r->rows, cap * sizeof *rows);
    if (!rows)
        return false;
    r->rows = rows;
    r->cap = cap;
    return true;
}

static gw_code read_row(reader *r, char *line, gw_err *err)
{
    static const long least[COLUMNS] = {0, -DAY_MAX, 0, 0};
    static const long most[COLUMNS] = {0, DAY_MAX, 6, TIMING_HOURS - 1};
    char *cells[CELLS_MAX];
    long v[COLUMNS] = {0};
    size_t n = cut(line, cells);
    for (int c = 0; c < COLUMNS; c++) {
        if ((size_t)r->at[c] >= n)
            return gw_fail(err, GW_EINVAL, "line %zu: only %zu cells, %s is missing", r->line, n,
                           column_names[c]);
        gw_code rc = c == 0 ? GW_OK
                            : whole_number(r, column_names[c], cells[r->at[c]], least[c], most[c],
                                           &v[c], err);
        if (rc != GW_OK)
            return rc;
    }
    if (*cells[r->at[0]] == '\0')
        return gw_fail(err, GW_EINVAL, "line %zu: person is empty", r->line);
    if (r->n == TRACE_ROWS_MAX)
        return gw_fail(err, GW_ELIMIT, "line %zu: more than %d rows; split the trace by persons",
                       r->line, TRACE_ROWS_MAX);
    uint32_t person;
    if (!has_room(r) || !person_of(r, cells[r->at[0]], &person))
        return gw_fail(err, GW_ENOMEM, "reading the trace, line %zu", r->line);
    r->rows[r->n++] = (row){person, (int32_t)v[1], (uint8_t)v[2], (uint8_t)v[3]};
    return GW_OK;
}

static gw_code read_lines(reader *r, FILE *f, gw_err *err)
{
    char line[TRACE_LINE_MAX];
    bool header = false;
    while (fgets(line, sizeof line, f)) {
        r->line++;
        size_t n = strlen(line);
        if (n + 1 == sizeof line && line[n - 1] != '\n')
            return gw_fail(err, GW_ELIMIT, "line %zu is longer than %d bytes, or holds a NUL",
                           r->line, TRACE_LINE_MAX - 2);
        if (strspn(line, " \t\r\n") == n)
            continue;
        gw_code rc = header ? read_row(r, line, err) : read_header(r, line, err);
        if (rc != GW_OK)
            return rc;
        header = true;
    }
    if (ferror(f))
        return gw_fail_errno(err, errno, "reading the trace behind line %zu", r->line);
    if (!header || r->n == 0)
        return gw_fail(err, GW_EINVAL,
                       "the trace holds no rows; it needs the columns person,day,dow,hour");
    return GW_OK;
}

/* ---- from rows to days ---- */

static int by_day(const void *a, const void *b)
{
    const row *x = a;
    const row *y = b;
    if (x->person != y->person)
        return x->person < y->person ? -1 : 1;
    return x->day != y->day ? (x->day < y->day ? -1 : 1) : (int)x->hour - (int)y->hour;
}

/* Days with a response inside the window, of one person; rows are sorted. */
static size_t collect_days(const row *rows, size_t n, uint32_t window, trace_day *ret)
{
    size_t days = 0;
    for (size_t i = 0; i < n;) {
        trace_day d = {rows[i].day, 0, rows[i].dow >= 5};
        for (; i < n && rows[i].day == d.day; i++)
            d.hours |= UINT32_C(1) << rows[i].hour;
        if (d.hours & window)
            ret[days++] = d;
    }
    return days;
}

static size_t count_used(const trace *t, size_t persons, unsigned least)
{
    size_t n = 0;
    for (size_t i = 0; i < persons; i++)
        n += t->persons[i].n >= least;
    return n;
}

static void keep_used(trace *t, unsigned days_least)
{
    enum { FEW = 4 };
    trace_about *a = &t->about;
    a->days_least = days_least ? days_least : TRACE_DEFAULT_DAYS;
    if (days_least == 0 && count_used(t, a->persons, a->days_least) < FEW)
        a->days_least = 2;
    for (size_t i = 0; i < a->persons; i++)
        if (t->persons[i].n >= a->days_least)
            t->persons[a->persons_used++] = t->persons[i];
    a->persons_short = a->persons - a->persons_used;
}

static gw_code build(reader *r, uint32_t window, unsigned days_least, trace *t, gw_err *err)
{
    t->days = malloc(r->n * sizeof *t->days);
    t->persons = calloc(r->slot_n, sizeof *t->persons);
    if (!t->days || !t->persons)
        return gw_fail(err, GW_ENOMEM, "arranging %zu rows of a trace", r->n);
    qsort(r->rows, r->n, sizeof *r->rows, by_day);
    size_t used = 0;
    for (size_t i = 0; i < r->n;) {
        size_t end = i;
        while (end < r->n && r->rows[end].person == r->rows[i].person)
            end++;
        size_t n = collect_days(r->rows + i, end - i, window, t->days + used);
        t->persons[r->rows[i].person] = (trace_person){t->days + used, n};
        used += n;
        i = end;
    }
    t->about = (trace_about){.rows = r->n, .persons = r->slot_n};
    keep_used(t, days_least);
    if (t->about.persons_used < 2)
        return gw_fail(err, GW_EINVAL,
                       "only %zu person(s) responded on %u or more days inside the window; two "
                       "are needed, one to learn from and one to be scored",
                       t->about.persons_used, t->about.days_least);
    return GW_OK;
}

gw_code trace_read(FILE *f, uint32_t window, unsigned days_least, trace **ret, gw_err *err)
{
    reader r = {0};
    trace *t = calloc(1, sizeof *t);
    gw_code rc = t ? read_lines(&r, f, err) : gw_fail(err, GW_ENOMEM, "reading a trace");
    if (rc == GW_OK)
        rc = build(&r, window, days_least, t, err);
    for (size_t i = 0; i < r.slot_cap; i++)
        free(r.slots[i].text);
    free(r.slots);
    free(r.rows);
    if (rc == GW_OK) {
        *ret = t;
        t = NULL;
    }
    trace_free(t);
    return rc;
}

void trace_free(trace *t)
{
    if (!t)
        return;
    free(t->days);
    free(t->persons);
    free(t);
}

trace_about trace_describe(const trace *t)
{
    return t->about;
}

trace_person trace_person_at(const trace *t, size_t i)
{
    return t->persons[i];
}
