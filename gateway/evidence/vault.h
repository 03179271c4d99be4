/* vault.h - who the pseudonyms are, and the keys whose destruction erases.
 *
 * SQLite at DIR/vault/vault.db (WAL, synchronous=FULL, secure_delete=ON), stored format 1:
 *   subject(sid, source, debtor)      random pseudonym; debtor '' is the source itself
 *   vcase(cid, sid, name, key)        random case pseudonym and its content key, wrapped:
 * XChaCha20- Poly1305 under the tenant key, bound to sid, cid, source, debtor and name, so a row
 * altered anywhere does not open A content key gives the salts of a case (so without it no
 * commitment can be tested against guesses) and encrypts its contents. It never leaves this process
 * unwrapped.
 *
 * New rows are durable after vault_flush only; callers flush before they log or sync anything that
 * depends on them. Thread: any; one lock inside. */
#ifndef EVIDENCE_VAULT_H
#define EVIDENCE_VAULT_H

#include "gateway/base/arena.h"
#include "gateway/base/id.h"
#include "gateway/evidence/crypt.h"
#include "gateway/evidence/record.h"

enum {
    VAULT_NAME_MAX = 512, /* bytes of source, debtor id or case name */
    VAULT_SOURCES_MAX = 4096,
    VAULT_CACHE_CASES = 65536, /* unwrapped keys kept in memory, about 8 MB */
};

typedef struct {
    gw_id sender;           /* subject of the source */
    gw_id subject;          /* subject of the debtor; equals sender at source level */
    gw_id kase;             /* case pseudonym, also the id of its key */
    uint8_t key[CRYPT_KEY]; /* wipe copies (sodium_memzero) */
    bool fresh;             /* made in this call: no record of the case can exist */
} vault_case;

typedef struct vault vault;

/* Without a tenant key (NULL, read-only) names are found but no key opens.
 * GW_EINVAL the tenant key does not open the keys in there; GW_ENOTFOUND read-only and missing. */
gw_code vault_open(const char *path, const uint8_t tenant_key[CRYPT_KEY], bool read_only,
                   vault **ret, gw_err *err) GW_NODISCARD;
void vault_close(vault *v);
GW_CLEANUP_FUNC(vault, vault_close)

/* The case's pseudonyms and key, made when it is new. GW_ELIMIT a name is longer than
 * VAULT_NAME_MAX; GW_EIO for ever once a flush failed. */
gw_code vault_get(vault *v, gw_str source, gw_str debtor, gw_str name, vault_case *ret, gw_err *err)
    GW_NODISCARD;
gw_code vault_flush(vault *v, gw_err *err) GW_NODISCARD;

/* Read side. The strings live in the arena; key may be NULL. GW_ENOTFOUND: never existed, or
 * erased; GW_ECORRUPT: the row does not open. */
gw_code vault_who(vault *v, const gw_id *kase, gw_arena *arena, gw_str *ret_source,
                  gw_str *ret_debtor, gw_str *ret_name, uint8_t *ret_key, gw_err *err) GW_NODISCARD;
/* Every case of (source, debtor, name); an unset (p NULL) argument does not restrict, "" does. */
typedef gw_code (*vault_visit)(void *ctx, const gw_id *kase, gw_err *err);
gw_code vault_find(vault *v, gw_str source, gw_str debtor, gw_str name, vault_visit visit,
                   void *ctx, gw_err *err) GW_NODISCARD;
/* Names of the sources, in the arena, at most VAULT_SOURCES_MAX. */
gw_code vault_sources(vault *v, gw_arena *arena, gw_str **ret, size_t *ret_n, gw_err *err)
    GW_NODISCARD;
/* Open every wrapped key: GW_ECORRUPT names the first case that does not. */
gw_code vault_check(vault *v, uint64_t *ret_cases, gw_err *err) GW_NODISCARD;

/* Salt of one private value: HMAC-SHA-256(content key, "salt" | leaf or blob id | name)[:16]. */
void vault_salt(const uint8_t key[CRYPT_KEY], const gw_id *id, gw_str name,
                uint8_t ret[RECORD_SALT]);

#endif
