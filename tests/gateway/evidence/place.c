#include "tests/gateway/evidence/place.h"

#include "gateway/base/arena.h"
#include "gateway/base/file.h"
#include "gateway/base/time.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

int place_new(void **state)
{
    place *p = calloc(1, sizeof *p);
    gw_wall t;
    gw_err err = {0};
    strcpy(p->root, "/tmp/dunlin-evidence-XXXXXX");
    if (!mkdtemp(p->root))
        return -1;
    snprintf(p->dir, sizeof p->dir, "%s/evidence", p->root);
    snprintf(p->log_key, sizeof p->log_key, "%s/keys/log.key", p->root);
    snprintf(p->tenant_key, sizeof p->tenant_key, "%s/keys/tenant.key", p->root);
    char keys[128];
    snprintf(keys, sizeof keys, "%s/keys", p->root);
    if (gw_dir_make(keys, 0700, &err) != GW_OK ||
        gw_file_replace(p->log_key,
                        GW_STR("1111111111111111111111111111111111111111111111111111111111111111"
                               "\n"),
                        0600, &err) != GW_OK ||
        gw_file_replace(p->tenant_key,
                        GW_STR("2222222222222222222222222222222222222222222222222222222222222222"
                               "\n"),
                        0600, &err) != GW_OK ||
        gw_time_parse(GW_STR("2013-02-01T09:00:00Z"), &t, &err) != GW_OK)
        return -1;
    p->clock = gw_clock_new();
    gw_clock_set(p->clock, t);
    p->arena = gw_arena_new(512 << 20);
    p->cfg = (evidence_config){.dir = p->dir,
                               .origin_base = "evidence.example.test/dunlin",
                               .log_key = p->log_key,
                               .tenant_key = p->tenant_key,
                               .node = "node-1",
                               .build = "test"};
    *state = p;
    return 0;
}

int place_done(void **state)
{
    place *p = *state;
    place_remove(p->root);
    gw_clock_free(p->clock);
    gw_arena_free(p->arena);
    free(p);
    return 0;
}

gw_code place_try_open(place *p, evidence **ret, gw_err *err)
{
    return evidence_open(&p->cfg, p->clock, ret, err);
}

evidence *place_open(place *p)
{
    evidence *ev = NULL;
    gw_err err = {0};
    if (place_try_open(p, &ev, &err) != GW_OK)
        fail_msg("evidence_open: %s", err.text);
    return ev;
}

static gw_str text(place *p, const char *fmt, ...) GW_PRINTF(2, 3);
static gw_str text(place *p, const char *fmt, ...)
{
    char room[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(room, sizeof room, fmt, ap);
    va_end(ap);
    return (gw_str){gw_arena_copy(p->arena, (gw_str){room, (size_t)n}), (size_t)n};
}

evidence_draft place_draft(place *p, unsigned n, unsigned debtors)
{
    static const char *const events[] = {"SubmissionAcceptance", "x-Plan", "x-AttemptIntent",
                                         "RelayToNonERDS"};
    unsigned debtor = n % debtors;
    unsigned step = n / debtors % 4;
    evidence_draft d = {
        .outbox_pos = text(p, "%02u-%llu-%u", debtor % 64, 1359000000000ULL + n / 7, n % 7),
        .event = events[step],
        .t = gw_clock_now(p->clock),
        .source = GW_STR("erp"),
        .debtor = text(p, "D-%u", debtor),
        .case_id = text(p, "INV-%u", debtor),
        .rid = text(p, "%026u", debtor),
        .attempt = step > 1,
        .why = step == 3 ? GW_STR("250") : GW_STR(""),
        .level = (int)step,
        .fact = text(p, "{\"channel\":\"email\",\"n\":%u,\"template\":\"first@1\"}", n),
    };
    if (step == 0) {
        d.body = GW_STR(PLACE_BODY);
        d.priv = GW_STR("{\"to\":\"" PLACE_ADDRESS "\",\"name\":\"" PLACE_NAME "\"}");
    }
    return d;
}

void place_append(place *p, evidence *ev, unsigned from, unsigned to)
{
    gw_err err = {0};
    for (unsigned n = from; n < to; n++) {
        evidence_draft d = place_draft(p, n, 5);
        if (evidence_append(ev, &d, 1, &err) != GW_OK)
            fail_msg("evidence_append: %s", err.text);
    }
}

uint64_t place_size(evidence *ev)
{
    char origin[256];
    uint64_t size;
    evidence_size(ev, origin, &size);
    return size;
}

static void run(const char *fmt, const char *a, const char *b)
{
    char line[2 * PATH_MAX];
    /* paths are ours: mkdtemp under /tmp, no quoting needed */
    snprintf(line, sizeof line, "%s %s %s", fmt, a, b);
    assert_int_equal(system(line), 0);
}

void place_copy(const char *from, const char *to)
{
    run("cp -a", from, to);
}

void place_remove(const char *path)
{
    run("rm -rf", path, "");
}

static const char *looked_for;
static char *found_in;

static int look(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    GW_AUTO_BUF gw_buf bytes;
    gw_buf_init(&bytes, 1 << 30);
    if (kind != FTW_F || gw_file_read(path, &bytes, NULL) != GW_OK || bytes.n == 0)
        return 0;
    if (!memmem(bytes.data, bytes.n, looked_for, strlen(looked_for)))
        return 0;
    snprintf(found_in, PATH_MAX, "%s", path);
    return 1;
}

bool place_holds(const char *path, const char *needle, char ret[PATH_MAX])
{
    looked_for = needle;
    found_in = ret;
    return nftw(path, look, 16, FTW_PHYS) == 1;
}

const char *place_log_file(place *p, const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/log/evidence.example.test/dunlin/2013/%s", p->dir, name);
    return path;
}
