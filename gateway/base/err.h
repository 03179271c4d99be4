/* err.h - error codes that carry their story, and the cleanup helpers.
 *
 * A function that can fail returns a gw_code and fills a gw_err: what we were doing, to what, why
 * it failed and, where the reader can act, what to do. Libraries report; only a program's edge logs
 * or prints, once. Texts never hold secrets, phone numbers, mail addresses or message text.
 *
 * Thread: every function is safe from any thread; a gw_err belongs to its caller. */
#ifndef GW_ERR_H
#define GW_ERR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#define GW_NODISCARD    __attribute__((warn_unused_result))
#define GW_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* The meaning is the same everywhere; cli exit codes are derived from it (gw_exit_code). */
typedef enum {
    GW_OK = 0,
    GW_EINVAL,    /* the input is wrong; the text says what, where and the remedy */
    GW_ENOTFOUND, /* the named thing does not exist */
    GW_EEXIST,    /* it exists already */
    GW_ECONFLICT, /* a version, fence or idempotency check refused the change; state is untouched */
    GW_EREFUSED,  /* a rule forbids it */
    GW_ELIMIT,    /* a named limit would be exceeded */
    GW_EBUSY,     /* try again later; nothing was changed */
    GW_EIO,       /* disk or network failed; what was in flight is unknown */
    GW_ENOSPC,    /* the disk is full */
    GW_ENOMEM,    /* allocation failed; nothing was changed */
    GW_ETIMEOUT,  /* no answer in time; what was in flight is unknown */
    GW_ECORRUPT,  /* stored data does not verify; never repaired silently */
    GW_ECLOSED,   /* the peer or the process is closing */
    GW_EBLOCKED,  /* the content guard forbids this message */
    GW_CODE_COUNT
} gw_code;

typedef struct {
    gw_code code;
    char text[256];
} gw_err;

/* Set err (may be NULL) and return code, so that `return gw_fail(...)` reads well. */
gw_code gw_fail(gw_err *err, gw_code code, const char *fmt, ...) GW_PRINTF(3, 4);

/* As gw_fail, with ": strerror(errnum)" behind the text; ENOSPC becomes GW_ENOSPC, else GW_EIO. */
gw_code gw_fail_errno(gw_err *err, int errnum, const char *fmt, ...) GW_PRINTF(3, 4);

/* Put "<fmt>: " before the text already in err; code replaces the one in it. */
gw_code gw_wrap(gw_err *err, gw_code code, const char *fmt, ...) GW_PRINTF(3, 4);

/* "invalid", "conflict", ... static storage. */
const char *gw_code_name(gw_code code);

/* Command line contract: 0 done, 1 refused or failed, 2 usage, 75 try again later (GW_EBUSY). */
int gw_exit_code(gw_code code);

/* A bug in Dunlin itself: print where, and abort(). Never for input, disks or peers. */
_Noreturn void gw_bug_at(const char *file, int line, const char *what);
#define gw_bug(what) gw_bug_at(__FILE__, __LINE__, what)

/* GW_CLEANUP_FUNC(reminder, reminder_free) once in reminder.h; then inside a function
 *     GW_AUTO(reminder_free) reminder *r = NULL;
 * frees r when the scope ends. Destructors accept NULL. */
#define GW_CLEANUP_FUNC(type, func)                                                                \
    static inline void func##_cleanup(type **p)                                                    \
    {                                                                                              \
        func(*p);                                                                                  \
    }
#define GW_AUTO(func) __attribute__((cleanup(func##_cleanup), unused))

static inline void gw_free_cleanup(void *p)
{
    free(*(void **)p);
}
#define GW_AUTO_FREE __attribute__((cleanup(gw_free_cleanup), unused))

#define GW_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
