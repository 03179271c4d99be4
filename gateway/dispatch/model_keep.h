/* model_keep.h - where models lie: the one in use, and every version that ever decided.
 *
 *   FILE                        the model in use (setting timing.model)
 *   FILE.versions/<hash>.model  every version, named by its hash (model_file.h); kept for ever:
 * about 350 KB each, and an explanation cannot be replayed without its own FILE.part what an
 * interrupted fit has reached FILE.day                    local day number of the last fit, in text
 *   FILE.lock                   flock of the one fit that runs
 * Thread: any; the files are replaced atomically. */
#ifndef GATEWAY_DISPATCH_MODEL_KEEP_H
#define GATEWAY_DISPATCH_MODEL_KEEP_H

#include "gateway/timing/model.h"

enum { MODEL_PATH_MAX = 1024 };

/* Errors as timing_model_read, and GW_ENOTFOUND. */
gw_code model_keep_load(const char *file, timing_model **ret, gw_err *err) GW_NODISCARD;
/* The version with that hash, checked against it: among the versions, or the one in use.
 * GW_ENOTFOUND, GW_ECORRUPT. */
gw_code model_keep_version(const char *file, gw_str version, timing_model **ret, gw_err *err)
    GW_NODISCARD;
/* Set m->version to what its file will be called. GW_ENOMEM. */
gw_code model_keep_name(timing_model *m, gw_err *err) GW_NODISCARD;
/* Keep m as a version, then put it in the place of FILE; sets m->version. */
gw_code model_keep_store(const char *file, timing_model *m, gw_err *err) GW_NODISCARD;
/* As any other file, without a version: FILE.part. */
gw_code model_keep_part(const char *file, const timing_model *m, gw_err *err) GW_NODISCARD;

#endif
