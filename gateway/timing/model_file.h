/* model_file.h - a model as bytes: what `dunlin timing fit` writes and the gateway loads.
 *
 * STORED FORMAT 1, numbers little endian (the file is refused on other machines): "DLTM", format,
 * kind, has_curves, contacts, the tables, the curves, and the CRC-32 of all before it. The sizes of
 * tables and curves are part of the format: a change of their shape is a new format number. The
 * version of a model is the BLAKE2b-128 hash of all of its bytes, in hex. Pure; any thread. */
#ifndef TIMING_MODEL_FILE_H
#define TIMING_MODEL_FILE_H

#include "gateway/timing/model.h"

enum { MODEL_FILE_MAX = 1 << 20 };

/* Version of a model's bytes. */
void timing_model_version(gw_str bytes, char ret[MODEL_VERSION_TEXT]);
gw_code timing_model_write(const timing_model *m, gw_buf *ret, gw_err *err) GW_NODISCARD;
/* GW_EINVAL no model or another format; GW_ECORRUPT; GW_ENOMEM. */
gw_code timing_model_read(gw_str bytes, timing_model **ret, gw_err *err) GW_NODISCARD;

#endif
