/* store.h - published templates: immutable versions and a pointer to the current one.
 *
 *   STORE/<version>.json            canonical bundle, never changed once written
 *   STORE/current/<locale>/<name>   the current version and a line feed
 *
 * The gateway pins the current version when it plans a reminder and ships the bundle's bytes to
 * workers; publishing again changes only what is planned later. Every write is fsynced and renamed
 * into place, so a reader sees the old or the new file, and a version is on disk before it becomes
 * current. Several publishers may work at once; the last one wins. Thread: any. */
#ifndef TEMPLATES_ENGINE_STORE_H
#define TEMPLATES_ENGINE_STORE_H

#include "templates/engine/bundle.h"

/* Write the bundle and make it current for its locale and name. Publishing the same content again
 * is fine. GW_ECORRUPT when the version's file exists with other bytes, GW_EIO, GW_ENOSPC. */
gw_code template_store_publish(const char *store, const template_bundle *b, gw_err *err)
    GW_NODISCARD;

/* Load and publish every template below dir (folders.h): what a first start does with the templates
 * that came with the program. ret_count: how many. Stops at the first failure. */
gw_code template_store_publish_tree(const char *store, const char *dir, size_t *ret_count,
                                    gw_err *err) GW_NODISCARD;

/* Current version of a template. GW_ENOTFOUND never published, GW_ECORRUPT not a version. */
gw_code template_store_current(const char *store, const char *locale, const char *name,
                               char ret_version[TEMPLATE_VERSION_TEXT], gw_err *err) GW_NODISCARD;

/* The translation of a template for a debtor's locale, by template_locale_pick over the locales it
 * is published in. ret_locale is the one chosen. GW_ENOTFOUND when none fits. */
gw_code template_store_pick(const char *store, const char *name, const char *wanted_locale,
                            const char *fallback_locale, char ret_locale[TEMPLATE_NAME_MAX + 1],
                            char ret_version[TEMPLATE_VERSION_TEXT], gw_err *err) GW_NODISCARD;

/* Append the bundle's bytes, their hash checked. ret_json needs a ceiling of TEMPLATE_BUNDLE_MAX.
 * GW_ENOTFOUND, GW_ECORRUPT when the bytes do not hash to version, GW_EIO. */
gw_code template_store_load(const char *store, const char *version, gw_buf *ret_json, gw_err *err)
    GW_NODISCARD;

#endif
