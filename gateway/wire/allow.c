#include "gateway/wire/allow.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

enum { YOUNG_MS = 2000 };

typedef struct {
    char key[CURVE_KEY_TEXT];
    char user[ALLOW_USER_TEXT];
} entry;

typedef struct {
    char domain[32];
    char folder[ALLOW_FOLDER_TEXT];
    zap_role role;
    struct timespec mtime; /* of the folder as read */
    bool young;            /* it changed just before we read it: mtime may not move again */
    entry *entries;        /* sorted by key */
    size_t n;
} list;

struct allow {
    pthread_mutex_t lock;
    gw_mono looked;
    size_t list_n;
    list lists[ZAP_LISTS_MAX];
};

static int compare(const void *a, const void *b)
{
    return memcmp(((const entry *)a)->key, ((const entry *)b)->key, CURVE_KEY_TEXT);
}

static bool name_is_good(const char *name, size_t n)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return n >= 1 && n <= ZAP_NAME_MAX && name[0] != '.' && strspn(name, good) >= n;
}

/* Append the key of folder/file if it is a good one; a bad file is said once and skipped. */
static void add_file(list *l, const char *file, size_t *cap)
{
    char path[ALLOW_FOLDER_TEXT + 300];
    size_t n = strlen(file);
    if (n < 5 || strcmp(file + n - 4, ".pub") != 0 || !name_is_good(file, n - 4))
        return;
    if (l->n == ZAP_KEYS_MAX) {
        gw_log(GW_LOG_WARN, "an allow-list holds more keys than its limit", "limit=%d",
               ZAP_KEYS_MAX);
        return;
    }
    if (l->n == *cap) {
        size_t more = *cap ? *cap * 2 : 16;
        entry *grown = realloc(l->entries, more * sizeof *grown);
        if (!grown)
            return;
        l->entries = grown;
        *cap = more;
    }
    entry *e = &l->entries[l->n];
    snprintf(path, sizeof path, "%s/%s", l->folder, file);
    gw_err err = {0};
    if (curve_load_public(path, e->key, &err) != GW_OK) {
        gw_log(GW_LOG_WARN, "a public key file was skipped: it holds no key", "role=%s",
               zap_role_name(l->role));
        return;
    }
    snprintf(e->user, sizeof e->user, "%s:%.*s", zap_role_name(l->role), (int)(n - 4), file);
    l->n++;
}

static void read_list(list *l, const struct stat *st)
{
    struct timespec now;
    size_t cap = 0;
    free(l->entries);
    l->entries = NULL;
    l->n = 0;
    l->mtime = st->st_mtim;
    clock_gettime(CLOCK_REALTIME_COARSE, &now); /* compared with mtime only, which follows it */
    l->young = (now.tv_sec - st->st_mtim.tv_sec) * 1000 < YOUNG_MS;
    DIR *dir = opendir(l->folder);
    if (!dir)
        return;
    for (struct dirent *d; (d = readdir(dir)) != NULL;)
        add_file(l, d->d_name, &cap);
    closedir(dir);
    if (l->n)
        qsort(l->entries, l->n, sizeof *l->entries, compare);
}

static void look(allow *a)
{
    a->looked = gw_mono_now();
    for (size_t i = 0; i < a->list_n; i++) {
        list *l = &a->lists[i];
        struct stat st = {0}; /* missing folder: an empty list */
        if (stat(l->folder, &st) != 0)
            memset(&st, 0, sizeof st);
        if (l->young || st.st_mtim.tv_sec != l->mtime.tv_sec ||
            st.st_mtim.tv_nsec != l->mtime.tv_nsec)
            read_list(l, &st);
    }
}

gw_code allow_new(const zap_list *lists, size_t n, allow **ret, gw_err *err)
{
    if (n > ZAP_LISTS_MAX)
        return gw_fail(err, GW_ELIMIT, "more than %d allow-lists", ZAP_LISTS_MAX);
    allow *a = calloc(1, sizeof *a);
    if (!a)
        return gw_fail(err, GW_ENOMEM, "allow-lists: out of memory");
    pthread_mutex_init(&a->lock, NULL);
    for (size_t i = 0; i < n; i++) {
        list *l = &a->lists[a->list_n++];
        int d = snprintf(l->domain, sizeof l->domain, "%s", lists[i].domain);
        int f = snprintf(l->folder, sizeof l->folder, "%s", lists[i].folder);
        l->role = lists[i].role;
        l->young = true;
        if (d >= (int)sizeof l->domain || f >= (int)sizeof l->folder) {
            allow_free(a);
            return gw_fail(err, GW_ELIMIT, "allow-list folder path is longer than %d bytes",
                           ALLOW_FOLDER_TEXT);
        }
    }
    look(a);
    *ret = a;
    return GW_OK;
}

void allow_free(allow *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->list_n; i++)
        free(a->lists[i].entries);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

static const entry *find(const list *l, const char *key)
{
    entry want;
    if (strlen(key) != CURVE_KEY_TEXT - 1)
        return NULL;
    memcpy(want.key, key, CURVE_KEY_TEXT);
    return l->n ? bsearch(&want, l->entries, l->n, sizeof want, compare) : NULL;
}

bool allow_find(allow *a, const char *domain, const char *key, char ret_user[ALLOW_USER_TEXT])
{
    const entry *e = NULL;
    pthread_mutex_lock(&a->lock);
    look(a);
    for (size_t i = 0; i < a->list_n && !e; i++)
        if (strcmp(a->lists[i].domain, domain) == 0)
            e = find(&a->lists[i], key);
    if (e)
        memcpy(ret_user, e->user, ALLOW_USER_TEXT);
    pthread_mutex_unlock(&a->lock);
    return e != NULL;
}

bool allow_still(allow *a, const char *key, const char *user)
{
    bool still = false;
    pthread_mutex_lock(&a->lock);
    if (gw_mono_now().ms - a->looked.ms >= ZAP_RECHECK_MS)
        look(a);
    for (size_t i = 0; i < a->list_n && !still; i++) {
        const entry *e = find(&a->lists[i], key);
        still = e && strcmp(e->user, user) == 0;
    }
    pthread_mutex_unlock(&a->lock);
    return still;
}

size_t allow_count(allow *a)
{
    size_t n = 0;
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < a->list_n; i++)
        n += a->lists[i].n;
    pthread_mutex_unlock(&a->lock);
    return n;
}
