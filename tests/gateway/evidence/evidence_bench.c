/* evidence_bench - durable entries a second through evidence_append, and how long a first open,
 * a reopen and an index rebuild take. Not a test: run it by hand.
 *   evidence_bench [records] [batch] [folder]
 * One story in four begins with a submission: two private values and a body. */
#include "gateway/base/file.h"
#include "gateway/evidence/evidence.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

typedef struct {
    char pos[48], debtor[24], kase[24], rid[32], fact[160];
} words;

static evidence_draft draft(unsigned n, words *w, const gw_clock *clock)
{
    static const char *const events[] = {"SubmissionAcceptance", "x-Plan", "x-AttemptIntent",
                                         "RelayToNonERDS"};
    unsigned story = n / 4096 * 1024 + n % 1024; /* four passes over each 1024 stories */
    unsigned step = n / 1024 % 4;
    snprintf(w->pos, sizeof w->pos, "%02u-%llu-%u", story % 64, 1359000000000ULL + n, 0U);
    snprintf(w->debtor, sizeof w->debtor, "D-%u", story / 3);
    snprintf(w->kase, sizeof w->kase, "INV-%u", story);
    snprintf(w->rid, sizeof w->rid, "%026u", story);
    snprintf(w->fact, sizeof w->fact,
             "{\"channel\":\"email\",\"code\":250,\"queue\":\"4B2A%u\",\"rule\":\"de.quiet.1\","
             "\"template\":\"first@1\"}",
             n);
    evidence_draft d = {.outbox_pos = gw_str_of(w->pos),
                        .event = events[step],
                        .t = gw_clock_now(clock),
                        .source = GW_STR("erp"),
                        .debtor = gw_str_of(w->debtor),
                        .case_id = gw_str_of(w->kase),
                        .rid = gw_str_of(w->rid),
                        .fact = gw_str_of(w->fact)};
    if (step == 0) {
        d.priv = GW_STR("{\"to\":\"someone@debtor.example.test\",\"name\":\"Some One\"}");
        d.body =
            GW_STR("{\"id\":\"job\",\"facts\":{\"items\":[{\"id\":\"INV-1\",\"amount\":1200}]}}");
    }
    return d;
}

int main(int argc, char **argv)
{
    unsigned total = argc > 1 ? (unsigned)atoi(argv[1]) : 100000;
    unsigned batch = argc > 2 ? (unsigned)atoi(argv[2]) : 512;
    const char *root = argc > 3 ? argv[3] : "/tmp/dunlin-evidence-bench";
    char dir[512];
    char log_key[512];
    char tenant_key[512];
    gw_err err = {0};
    evidence *ev = NULL;
    snprintf(dir, sizeof dir, "%s/evidence", root);
    snprintf(log_key, sizeof log_key, "%s/log.key", root);
    snprintf(tenant_key, sizeof tenant_key, "%s/tenant.key", root);
    gw_str key = GW_STR("1111111111111111111111111111111111111111111111111111111111111111\n");
    if (gw_dir_make(root, 0700, &err) != GW_OK || gw_file_replace(log_key, key, 0600, &err) ||
        gw_file_replace(tenant_key, key, 0600, &err) || batch == 0)
        return 1;
    GW_AUTO(gw_clock_free) gw_clock *clock = gw_clock_new();
    evidence_config cfg = {.dir = dir,
                           .origin_base = "bench.example.test/dunlin",
                           .log_key = log_key,
                           .tenant_key = tenant_key,
                           .node = "bench",
                           .build = DUNLIN_VERSION};
    double t0 = now();
    if (evidence_open(&cfg, clock, &ev, &err) != GW_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    double t1 = now();
    GW_AUTO_FREE evidence_draft *drafts = calloc(batch, sizeof *drafts);
    GW_AUTO_FREE words *w = calloc(batch, sizeof *w);
    for (unsigned n = 0; n < total; n += batch) {
        unsigned k = 0;
        for (; k < batch && n + k < total; k++)
            drafts[k] = draft(n + k, &w[k], clock);
        if (evidence_append(ev, drafts, k, &err) != GW_OK ||
            evidence_tick(ev, gw_mono_now(), &err) != GW_OK) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
    }
    double t2 = now();
    evidence_close(ev);
    double t3 = now();
    printf("open %.3f s, %u records in batches of %u: %.0f/s, close %.3f s\n", t1 - t0, total,
           batch, total / (t2 - t1), t3 - t2);
    return 0;
}
