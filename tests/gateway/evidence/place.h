/* place.h - an evidence store in a temporary folder, with keys and a manual clock. */
#ifndef TESTS_EVIDENCE_PLACE_H
#define TESTS_EVIDENCE_PLACE_H

#include "gateway/base/arena.h"
#include "gateway/evidence/evidence.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PLACE_NAME    "Erika Mustermann"
#define PLACE_ADDRESS "erika.mustermann@debtor.example.test"
#define PLACE_BODY    "{\"id\":\"job-1\",\"note\":\"Dear Erika Mustermann, please pay\"}"

typedef struct {
    char root[64];     /* mkdtemp folder */
    char dir[128];     /* root/evidence */
    char log_key[128]; /* root/keys/log.key */
    char tenant_key[128];
    gw_clock *clock;
    evidence_config cfg;
    gw_arena *arena; /* text of made drafts */
} place;

/* cmocka setup and teardown for a fresh place in *state. */
int place_new(void **state);
int place_done(void **state);

evidence *place_open(place *p);
gw_code place_try_open(place *p, evidence **ret, gw_err *err);
/* Draft number n of a story: debtor n % debtors, shard n % 64, with private values and a body. */
evidence_draft place_draft(place *p, unsigned n, unsigned debtors);
/* Append drafts from .. to - 1 of the story; fails the test on error. */
void place_append(place *p, evidence *ev, unsigned from, unsigned to);

/* Entries of the newest log. */
uint64_t place_size(evidence *ev);
/* cp -a from to; rm -rf path. */
void place_copy(const char *from, const char *to);
void place_remove(const char *path);
/* Does any file under path hold these bytes? Fills ret with the file's name. */
bool place_holds(const char *path, const char *needle, char ret[PATH_MAX]);
/* Path of a file in the newest log (year 2013): "wal/000001.seg". */
const char *place_log_file(place *p, const char *name);

#endif
