/* sqlite.h - the few helpers vault and index share. Internal to gateway/evidence. */
#ifndef EVIDENCE_SQLITE_H
#define EVIDENCE_SQLITE_H

#include "gateway/base/buf.h"

#include <sqlite3.h>

/* Code and text of what the connection last failed at; SQLITE_FULL is GW_ENOSPC, a locked database
 * GW_EBUSY, a malformed one GW_ECORRUPT. */
gw_code sql_fail(sqlite3 *db, const char *what, gw_err *err);
gw_code sql_exec(sqlite3 *db, const char *statements, const char *what, gw_err *err) GW_NODISCARD;
gw_code sql_open(const char *path, bool read_only, sqlite3 **ret, gw_err *err) GW_NODISCARD;
gw_code sql_prepare(sqlite3 *db, const char *text, sqlite3_stmt **ret, gw_err *err) GW_NODISCARD;

static inline void sql_text(sqlite3_stmt *s, int at, gw_str v)
{
    sqlite3_bind_text(s, at, v.p ? v.p : "", (int)v.n, SQLITE_STATIC);
}
static inline void sql_blob(sqlite3_stmt *s, int at, const void *p, size_t n)
{
    sqlite3_bind_blob(s, at, p, (int)n, SQLITE_STATIC);
}
static inline gw_str sql_str(sqlite3_stmt *s, int at)
{
    const char *p = (const char *)sqlite3_column_blob(s, at);
    return (gw_str){p ? p : "", (size_t)sqlite3_column_bytes(s, at)};
}

#endif
