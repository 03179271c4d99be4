/* model_file.h - a model as bytes: what `dunlin timing fit` writes and the gateway loads.
 *
 * STORED FORMAT 1, numbers little endian (the file is refused on other machines): "DLTM", format,
 * kind, has_curves, contacts, the tables, the curves, and the CRC-32 of all before it. The sizes of
 * tables and curves are part of the format: a change of their shape is a new format number. The
 * version of a model is that CRC. Pure; any thread. */
#ifndef TIMING_MODEL_FILE_H
#define TIMING_MODEL_FILE_H

#include "gateway/timing/model.h"

enum { MODEL_FILE_MAX = 1 << 20 };

gw_code timing_model_write(const timing_model *m, gw_buf *ret, gw_err *err) GW_NODISCARD;
/* GW_EINVAL no model or another format; GW_ECORRUPT; GW_ENOMEM. */
gw_code timing_model_read(gw_str bytes, timing_model **ret, gw_err *err) GW_NODISCARD;

#endif
