/* encode.h - content transfer encodings (RFC 2045 §6): 7bit, quoted-printable, base64.
 *
 * Text may come with LF, CRLF or lone CR; all become CRLF. Thread: pure, any. */
#ifndef EMAIL_ENCODE_H
#define EMAIL_ENCODE_H

#include "gateway/base/buf.h"

typedef enum { ENCODE_7BIT, ENCODE_QP, ENCODE_BASE64 } encode_kind;

/* 7bit for plain ASCII of short lines without `marker`, quoted-printable for text that is mostly
 * ASCII, base64 for the rest. */
encode_kind encode_choose(gw_str text, const char *marker);
/* "7bit", "quoted-printable", "base64" */
const char *encode_name(encode_kind kind);
/* Append text as CRLF lines in that encoding, ending with CRLF. */
gw_code encode_text(gw_buf *out, encode_kind kind, gw_str text, gw_err *err) GW_NODISCARD;
/* Append bytes as base64 lines of 76 letters. */
gw_code encode_base64(gw_buf *out, gw_str bytes, gw_err *err) GW_NODISCARD;

#endif
