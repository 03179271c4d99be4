/* allow.h - allow-lists of public keys, read from folders and read again when they change.
 *
 * The inside of zap.h. Thread: any (one lock); reading folders happens under the lock. */
#ifndef WIRE_ALLOW_H
#define WIRE_ALLOW_H

#include "gateway/wire/curve.h"
#include "gateway/wire/zap.h"

enum { ALLOW_USER_TEXT = 96, ALLOW_FOLDER_TEXT = 1024 };

typedef struct allow allow;

/* Copies the lists and reads the folders once. A folder that is missing is an empty list. */
gw_code allow_new(const zap_list *lists, size_t n, allow **ret, gw_err *err) GW_NODISCARD;
void allow_free(allow *a);

/* Find a Z85 key in a domain; "<role>:<NAME>" into ret_user. Looks at the folders first. */
bool allow_find(allow *a, const char *domain, const char *key, char ret_user[ALLOW_USER_TEXT]);
/* Does the key still stand for that user? Looks at the folders at most every ZAP_RECHECK_MS. */
bool allow_still(allow *a, const char *key, const char *user);
size_t allow_count(allow *a);

#endif
