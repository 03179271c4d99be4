/* header.h - what may stand in a header of a message, before GMime sees it.
 *
 * Values come from templates, debtors and billing systems. A CR, LF or other control character in
 * one is refused, never folded away: whoever put it there meant another header.
 *
 * Thread: pure, any. */
#ifndef EMAIL_HEADER_H
#define EMAIL_HEADER_H

#include "gateway/base/buf.h"

enum { HEADER_LINE_MAX = 998 }; /* RFC 5322 §2.1.1, less CRLF */

typedef struct {
    gw_str name;    /* may be empty */
    gw_str address; /* passed address_check */
} header_mailbox;

/* GW_EINVAL when value is not UTF-8 or holds a control character; what names the field. */
gw_code header_check(gw_str value, const char *what, gw_err *err) GW_NODISCARD;

/* Append value as ASCII for GMime to fold: as it is, or as encoded words (RFC 2047) when it holds
 * letters outside ASCII or could itself be taken for an encoded word. GMime has an encoder, but
 * counts characters where the limit of 75 is one of bytes, and takes text that looks encoded for
 * encoded text. Errors of header_check; GW_ELIMIT for a word that no line can hold. */
gw_code header_words(gw_buf *out, gw_str value, const char *what, gw_err *err) GW_NODISCARD;

#endif
