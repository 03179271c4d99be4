/* desk_excuse.h - what debtors say on the phone, and the answer that practice suggests.
 *
 * Files config/desk/<locale>.jsonc, JSON with comments, read strictly:
 *   {"format": 1, "locale": "en", "excuses": [{"code": "boss-away", "says": "...",
 *    "answer": "... by {{date}} ...", "days": 5, "outcome": "call-back" | ""}]}
 * {{date}} stands for the day that lies `days` working days (Monday to Friday) ahead, in the
 * agent's locale; days is 0 where the answer names none. outcome: which of desk_outcome.h it
 * usually leads to, "" none. Every file has the same codes, so that reports can count them over
 * languages. Codes are stored in evidence for years: add, never rename.
 *
 * Thread: load in one; any thread may read. */
#ifndef GATEWAY_DISPATCH_DESK_EXCUSE_H
#define GATEWAY_DISPATCH_DESK_EXCUSE_H

#include "gateway/base/buf.h"

enum {
    DESK_EXCUSES_MAX = 64, /* of one file */
    DESK_EXCUSE_FILES_MAX = 64,
    DESK_EXCUSE_BYTES_MAX = 256 * 1024, /* of one file */
    DESK_EXCUSE_TEXT_MAX = 1000,
    DESK_EXCUSE_DAYS_MAX = 60,
};

typedef struct {
    const char *code, *says, *answer, *outcome;
    int days;
} desk_excuse;

typedef struct desk_excuses desk_excuses;

/* All *.jsonc of a folder. GW_EINVAL with file, pointer and remedy, GW_ENOTFOUND no file,
 * GW_ELIMIT, GW_ENOMEM, GW_EIO. */
gw_code desk_excuses_load(const char *dir, desk_excuses **ret, gw_err *err) GW_NODISCARD;
void desk_excuses_free(desk_excuses *e);
GW_CLEANUP_FUNC(desk_excuses, desk_excuses_free)

/* One file's text; name is what errors call it. For the loader and its fuzz target. */
gw_code desk_excuses_add(desk_excuses *e, const char *name, gw_str text, gw_err *err) GW_NODISCARD;
desk_excuses *desk_excuses_new(void); /* NULL: out of memory */

/* Of a locale, else of its language, else of "en", else of the first file. */
const desk_excuse *desk_excuses_of(const desk_excuses *e, gw_str locale, size_t *ret_n);
bool desk_excuse_known(const desk_excuses *e, gw_str code);
/* The day n working days after today. */
int32_t desk_working_day(int32_t today, int n);

#endif
