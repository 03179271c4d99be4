#include "gateway/policy/zone.h"

#include "gateway/base/file.h"
#include "gateway/base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum {
    DAY_S = 86400,
    STEP_S = 30 * DAY_S,      /* while looking for changes; any number of them may lie inside */
    OFFSET_MAX_S = 16 * 3600, /* no zone was ever further from UTC */
    SEGMENTS_MAX = 4096,
    FILE_MAX_BYTES = 1 << 20, /* of zone.tab and tzdata.zi */
};
static const int64_t first_s = 0;                         /* 1970-01-01 */
static const int64_t listed_s = INT64_C(2145916800);      /* 2038-01-01 */
static const int64_t last_s = INT64_C(4102444800);        /* 2100-01-01 */
static const int64_t least_ms = INT64_C(-62135596800000); /* 0001-01-01 */
static const int64_t most_ms = INT64_C(253402300799999);  /* 9999-12-31 */

/* From from_s on, until the next segment begins, the offset holds. */
typedef struct {
    int64_t from_s;
    int32_t offset_s;
    bool isdst;
} segment;

struct zone {
    char name[ZONE_NAME_MAX + 1];
    char canonical[ZONE_NAME_MAX + 1]; /* what the name is an alias of; itself when it is none */
    char country[3];
    size_t n;
    segment segments[]; /* the first one begins before all time */
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* ---- names ---- */

static bool is_refused_tree(gw_str name)
{
    static const char *const whole[] = {"localtime", "Factory", "posixrules"};
    static const char *const trees[] = {"right/", "posix/"};
    for (size_t i = 0; i < GW_COUNT(whole); i++)
        if (gw_str_is(name, whole[i]))
            return true;
    for (size_t i = 0; i < GW_COUNT(trees); i++)
        if (name.n > strlen(trees[i]) && memcmp(name.p, trees[i], strlen(trees[i])) == 0)
            return true;
    return false;
}

/* Letters first in each part, then letters, digits and _ + - only: no way out of the folder. */
static bool is_name(gw_str name)
{
    bool part_begins = true;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool other = (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';
        if (c == '/' ? part_begins : part_begins ? !letter : !letter && !other)
            return false;
        part_begins = c == '/';
    }
    return name.n > 0 && name.n <= ZONE_NAME_MAX && !part_begins && !is_refused_tree(name);
}

static const char *zoneinfo_dir(void)
{
    const char *dir = getenv("TZDIR"); /* as GLib and the C library do */
    return dir && *dir ? dir : "/usr/share/zoneinfo";
}

/* GLib also understands POSIX rules, so the file has to be looked for here (TZif: RFC 8536 §3.1).
 */
static bool has_file(const char *name)
{
    char path[4096];
    char magic[4];
    if (snprintf(path, sizeof path, "%s/%s", zoneinfo_dir(), name) >= (int)sizeof path)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool good = read(fd, magic, sizeof magic) == sizeof magic && memcmp(magic, "TZif", 4) == 0;
    close(fd);
    return good;
}

/* ---- the table of changes ---- */

/* First second in (from, to] whose interval is not `interval`; GLib's intervals grow with time. */
static int64_t change_between(GTimeZone *g, int interval, int64_t from, int64_t to)
{
    while (to - from > 1) {
        int64_t mid = from + (to - from) / 2;
        if (g_time_zone_find_interval(g, G_TIME_TYPE_UNIVERSAL, mid) == interval)
            from = mid;
        else
            to = mid;
    }
    return to;
}

/* The files list every change up to 2037; later ones come from the rule at their end (RFC 8536
 * §3.3), where GLib 2.74 reads Europe/Dublin's explicit daylight offset of 0 as missing. That rule
 * also made the last listed changes, so the offset of the same kind among those is the right one.
 */
static int32_t offset_by_rule(const segment *earlier, size_t n, segment s)
{
    while (n > 0 && s.from_s >= listed_s &&
           (earlier[n - 1].from_s >= listed_s || earlier[n - 1].isdst != s.isdst))
        n--;
    return s.from_s >= listed_s && n > 0 ? earlier[n - 1].offset_s : s.offset_s;
}

static size_t collect(GTimeZone *g, segment *out, size_t cap)
{
    int64_t t = first_s;
    int interval = g_time_zone_find_interval(g, G_TIME_TYPE_UNIVERSAL, t);
    out[0] = (segment){INT64_MIN, g_time_zone_get_offset(g, interval),
                       g_time_zone_is_dst(g, interval) != 0};
    size_t n = 1;
    while (t < last_s && n < cap) {
        int64_t next = t + STEP_S;
        if (g_time_zone_find_interval(g, G_TIME_TYPE_UNIVERSAL, next) == interval) {
            t = next;
            continue;
        }
        t = change_between(g, interval, t, next);
        interval = g_time_zone_find_interval(g, G_TIME_TYPE_UNIVERSAL, t);
        segment s = {t, g_time_zone_get_offset(g, interval), g_time_zone_is_dst(g, interval) != 0};
        s.offset_s = offset_by_rule(out, n, s);
        if (s.offset_s != out[n - 1].offset_s || s.isdst != out[n - 1].isdst)
            out[n++] = s;
    }
    return n;
}

/* GLib is thread-safe, but its locks are invisible to ThreadSanitizer; opening is rare, so all our
 * calls into it stand behind one lock of ours. */
static size_t collect_named(const char *name, segment *out, size_t cap)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    GTimeZone *g = g_time_zone_new_identifier(name);
    size_t n = g ? collect(g, out, cap) : 0;
    if (g)
        g_time_zone_unref(g);
    pthread_mutex_unlock(&lock);
    return n;
}

/* ---- the country ---- */

/* zone.tab: "DE\t+5230+01322\tEurope/Berlin\tcomment", comments begin with #. */
static bool country_in_tab(const char *tab, const char *name, char ret[3])
{
    for (const char *line = tab; *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : "") {
        const char *place = *line == '#' ? NULL : strchr(line, '\t');
        const char *zone_at = place ? strchr(place + 1, '\t') : NULL;
        size_t n = strlen(name);
        if (!zone_at || place != line + 2 || strncmp(zone_at + 1, name, n) != 0 ||
            !strchr("\t\n", zone_at[1 + n]))
            continue;
        memcpy(ret, line, 2);
        ret[2] = '\0';
        return true;
    }
    return false;
}

/* tzdata.zi: "L Europe/Berlin Arctic/Longyearbyen" makes the second a name of the first. */
static bool alias_of(const char *zi, const char *name, char ret[ZONE_NAME_MAX + 1])
{
    char tail[ZONE_NAME_MAX + 4];
    snprintf(tail, sizeof tail, " %s\n", name);
    for (const char *at = strstr(zi, tail); at; at = strstr(at + 1, tail)) {
        const char *line = at;
        while (line > zi && line[-1] != '\n')
            line--;
        size_t n = (size_t)(at - line);
        if (n < 3 || n - 2 > ZONE_NAME_MAX || line[0] != 'L' || line[1] != ' ')
            continue;
        memcpy(ret, line + 2, n - 2);
        ret[n - 2] = '\0';
        return true;
    }
    return false;
}

static void find_place(zone *z)
{
    char path[4096];
    GW_AUTO_BUF gw_buf tab;
    GW_AUTO_BUF gw_buf zi;
    gw_buf_init(&tab, FILE_MAX_BYTES);
    gw_buf_init(&zi, FILE_MAX_BYTES);
    z->country[0] = '\0';
    memcpy(z->canonical, z->name, sizeof z->name);
    snprintf(path, sizeof path, "%s/tzdata.zi", zoneinfo_dir());
    if (gw_file_read(path, &zi, NULL) == GW_OK && zi.data)
        alias_of(zi.data, z->name, z->canonical);
    snprintf(path, sizeof path, "%s/zone.tab", zoneinfo_dir());
    if (gw_file_read(path, &tab, NULL) == GW_OK && tab.data &&
        !country_in_tab(tab.data, z->name, z->country))
        country_in_tab(tab.data, z->canonical, z->country);
}

gw_code zone_open(gw_str name, zone **ret, gw_err *err)
{
    if (!is_name(name))
        return gw_fail(err, GW_EINVAL,
                       "not a time zone name; write one like Europe/Berlin or Asia/Shanghai");
    char text[ZONE_NAME_MAX + 1] = "";
    memcpy(text, name.p, name.n);
    GW_AUTO_FREE segment *all = malloc(SEGMENTS_MAX * sizeof *all);
    if (!all)
        return gw_fail(err, GW_ENOMEM, "reading time zone %s", text);
    size_t n = has_file(text) ? collect_named(text, all, SEGMENTS_MAX) : 0;
    if (n == 0)
        return gw_fail(err, GW_ENOTFOUND,
                       "this system has no time zone %s; write one like Europe/Berlin", text);
    zone *z = malloc(sizeof *z + n * sizeof *all);
    if (!z)
        return gw_fail(err, GW_ENOMEM, "reading time zone %s", text);
    memcpy(z->name, text, sizeof text);
    find_place(z);
    z->n = n;
    memcpy(z->segments, all, n * sizeof *all);
    *ret = z;
    return GW_OK;
}

void zone_close(zone *z)
{
    free(z);
}

const char *zone_name(const zone *z)
{
    return z->name;
}

bool zone_is(const zone *z, const char *name)
{
    return strcmp(z->name, name) == 0 || strcmp(z->canonical, name) == 0;
}

const char *zone_country(const zone *z)
{
    return z->country;
}

/* ---- looking up ---- */

static size_t segment_at(const zone *z, int64_t s)
{
    size_t low = 0;
    size_t high = z->n;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (z->segments[mid].from_s <= s)
            low = mid;
        else
            high = mid;
    }
    return low;
}

zone_time zone_local(const zone *z, gw_wall t)
{
    int64_t ms = t.ms < least_ms ? least_ms : t.ms > most_ms ? most_ms : t.ms;
    int64_t s = floor_div(ms, 1000);
    const segment *at = &z->segments[segment_at(z, s)];
    int64_t local = s + at->offset_s;
    int64_t day = floor_div(local, DAY_S);
    return (zone_time){(int32_t)day, (int)((local - day * DAY_S) / 60), at->offset_s, at->isdst};
}

bool zone_is_steady(const zone *z, gw_wall from, gw_wall to, int *ret_offset_s)
{
    size_t k = segment_at(z, floor_div(from.ms, 1000));
    bool steady = k + 1 == z->n || z->segments[k + 1].from_s > floor_div(to.ms, 1000);
    if (steady)
        *ret_offset_s = z->segments[k].offset_s;
    return steady;
}

gw_wall zone_instant(const zone *z, int32_t day, int minute)
{
    int64_t local = (int64_t)day * DAY_S + (int64_t)minute * 60;
    size_t k = segment_at(z, local - OFFSET_MAX_S);
    while (k + 1 < z->n && z->segments[k + 1].from_s + z->segments[k].offset_s <= local)
        k++;
    const segment *at = &z->segments[k];
    int64_t s = local - at->offset_s;
    return (gw_wall){(s < at->from_s ? at->from_s : s) * 1000};
}

size_t zone_window(const zone *z, int32_t day, int from, int to, zone_span ret[ZONE_SPANS_MAX])
{
    int64_t local_from = (int64_t)day * DAY_S + (int64_t)from * 60;
    int64_t local_to = (int64_t)day * DAY_S + (int64_t)to * 60;
    size_t n = 0;
    for (size_t k = segment_at(z, local_from - OFFSET_MAX_S);
         k < z->n && z->segments[k].from_s < local_to + OFFSET_MAX_S; k++) {
        const segment *at = &z->segments[k];
        int64_t begin = local_from - at->offset_s;
        int64_t end = local_to - at->offset_s;
        if (begin < at->from_s)
            begin = at->from_s;
        if (k + 1 < z->n && end > z->segments[k + 1].from_s)
            end = z->segments[k + 1].from_s;
        if (begin >= end)
            continue;
        if (n && ret[n - 1].to_ms == begin * 1000)
            ret[n - 1].to_ms = end * 1000;
        else if (n < ZONE_SPANS_MAX)
            ret[n++] = (zone_span){begin * 1000, end * 1000};
    }
    return n;
}

int zone_day_length(const zone *z, int32_t day)
{
    zone_span spans[ZONE_SPANS_MAX];
    int64_t ms = 0;
    size_t n = zone_window(z, day, 0, ZONE_DAY_MINUTES, spans);
    for (size_t i = 0; i < n; i++)
        ms += spans[i].to_ms - spans[i].from_ms;
    return (int)(ms / GW_MS_PER_MINUTE);
}

/* tzdata.zi begins with "# version 2025b". */
void zone_data_version(char ret_text[16])
{
    char path[4096];
    char line[64] = "";
    static const char mark[] = "# version ";
    size_t skip = sizeof mark - 1;
    snprintf(ret_text, 16, "unknown");
    if (snprintf(path, sizeof path, "%s/tzdata.zi", zoneinfo_dir()) >= (int)sizeof path)
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, line, sizeof line - 1);
    close(fd);
    if (n <= (ssize_t)skip || memcmp(line, mark, skip) != 0)
        return;
    size_t length = strcspn(line + skip, " \r\n");
    if (length > 0 && length < 16)
        snprintf(ret_text, 16, "%.*s", (int)length, line + skip);
}
