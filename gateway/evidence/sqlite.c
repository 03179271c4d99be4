#include "gateway/evidence/sqlite.h"

#include <stdio.h>

enum { BUSY_MS = 5000 };

gw_code sql_fail(sqlite3 *db, const char *what, gw_err *err)
{
    int code = db ? sqlite3_errcode(db) & 0xFF : SQLITE_NOMEM;
    gw_code rc = code == SQLITE_FULL                               ? GW_ENOSPC
                 : code == SQLITE_NOMEM                            ? GW_ENOMEM
                 : code == SQLITE_BUSY || code == SQLITE_LOCKED    ? GW_EBUSY
                 : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? GW_ECORRUPT
                                                                   : GW_EIO;
    return gw_fail(err, rc, "%s: %s", what, db ? sqlite3_errmsg(db) : "out of memory");
}

gw_code sql_exec(sqlite3 *db, const char *statements, const char *what, gw_err *err)
{
    return sqlite3_exec(db, statements, NULL, NULL, NULL) == SQLITE_OK ? GW_OK
                                                                       : sql_fail(db, what, err);
}

gw_code sql_open(const char *path, bool read_only, sqlite3 **ret, gw_err *err)
{
    sqlite3 *db = NULL;
    int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        gw_code code = rc == SQLITE_CANTOPEN && read_only
                           ? gw_fail(err, GW_ENOTFOUND, "%s does not exist", path)
                           : sql_fail(db, path, err);
        sqlite3_close(db);
        return code;
    }
    sqlite3_busy_timeout(db, BUSY_MS);
    *ret = db;
    return GW_OK;
}

gw_code sql_prepare(sqlite3 *db, const char *text, sqlite3_stmt **ret, gw_err *err)
{
    return sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) == SQLITE_OK
               ? GW_OK
               : sql_fail(db, "preparing a statement", err);
}
