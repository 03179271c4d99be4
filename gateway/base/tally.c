#include "gateway/base/tally.h"

#include <pthread.h>
#include <stdio.h>

enum { LABEL_MAX = 48 };

typedef struct {
    char text[TALLY_SERIES_TEXT]; /* name{labels} */
    int64_t value;
} series;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static series all[TALLY_SERIES_MAX]; /* sorted by text */
static size_t series_n;
static int64_t dropped;

static void put_label(char *to, size_t *n, const char *key, gw_str value, bool first)
{
    char plain[LABEL_MAX + 1];
    size_t m = value.n < LABEL_MAX ? value.n : LABEL_MAX;
    for (size_t i = 0; i < m; i++) {
        char c = value.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    (c && strchr("._:/-", c));
        plain[i] = (char)(good ? c : '_');
    }
    plain[m] = '\0';
    int k = snprintf(to + *n, TALLY_SERIES_TEXT - *n, "%s%s=\"%s\"", first ? "{" : ",", key, plain);
    *n += (size_t)k;
}

static bool name_series(const char *name, const char *key1, gw_str value1, const char *key2,
                        gw_str value2, char to[TALLY_SERIES_TEXT])
{
    size_t n = (size_t)snprintf(to, TALLY_SERIES_TEXT, "%s", name);
    size_t most = n + (key1 ? strlen(key1) : 0) + (key2 ? strlen(key2) : 0) + 2 * LABEL_MAX + 16;
    if (most >= TALLY_SERIES_TEXT)
        return false;
    if (key1)
        put_label(to, &n, key1, value1, true);
    if (key2)
        put_label(to, &n, key2, value2, !key1);
    if (key1 || key2)
        snprintf(to + n, TALLY_SERIES_TEXT - n, "}");
    return true;
}

/* Where text is, or belongs. */
static size_t place_of(const char *text, bool *ret_found)
{
    size_t low = 0, high = series_n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = strcmp(all[mid].text, text);
        if (c == 0) {
            *ret_found = true;
            return mid;
        }
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *ret_found = false;
    return low;
}

void tally_add(const char *name, const char *key1, gw_str value1, const char *key2, gw_str value2,
               int64_t n)
{
    char text[TALLY_SERIES_TEXT];
    bool found, named = name_series(name, key1, value1, key2, value2, text);
    pthread_mutex_lock(&lock);
    size_t at = named ? place_of(text, &found) : 0;
    if (!named || (!found && series_n == TALLY_SERIES_MAX)) {
        dropped += n;
        pthread_mutex_unlock(&lock);
        return;
    }
    if (!found) {
        memmove(&all[at + 1], &all[at], (series_n - at) * sizeof all[0]);
        series_n++;
        all[at].value = 0;
        memcpy(all[at].text, text, sizeof text);
    }
    all[at].value += n;
    pthread_mutex_unlock(&lock);
}

int64_t tally_get(const char *text)
{
    bool found;
    pthread_mutex_lock(&lock);
    size_t at = place_of(text, &found);
    int64_t value = found ? all[at].value : 0;
    pthread_mutex_unlock(&lock);
    return value;
}

gw_code tally_write(gw_buf *ret)
{
    pthread_mutex_lock(&lock);
    const char *last = "";
    size_t last_n = 0;
    for (size_t i = 0; i < series_n; i++) {
        size_t n = strcspn(all[i].text, "{");
        if (n != last_n || memcmp(all[i].text, last, n) != 0)
            gw_buf_printf(ret, "# TYPE %.*s counter\n", (int)n, all[i].text);
        last = all[i].text;
        last_n = n;
        gw_buf_printf(ret, "%s %lld\n", all[i].text, (long long)all[i].value);
    }
    gw_buf_printf(ret,
                  "# TYPE dunlin_series_dropped_total counter\ndunlin_series_dropped_total %lld\n",
                  (long long)dropped);
    pthread_mutex_unlock(&lock);
    return ret->code;
}

void tally_reset(void)
{
    pthread_mutex_lock(&lock);
    series_n = 0;
    dropped = 0;
    pthread_mutex_unlock(&lock);
}
