/* header.h - header lines of a message, encoded and folded (RFC 5322 §2.2, RFC 2047, RFC 2231).
 *
 * Values come from templates, debtors and billing systems. A CR, LF or other control character in
 * one is refused, never folded away: whoever put it there meant another header.
 * Lines are folded at 78 columns where there is a place to fold, and a line past 998 bytes is
 * refused (RFC 5322 §2.1.1).
 *
 * Thread: pure, any. All functions append to out; on failure its content is not to be used. */
#ifndef EMAIL_HEADER_H
#define EMAIL_HEADER_H

#include "gateway/base/buf.h"

enum { HEADER_LINE_MAX = 998, HEADER_FOLD = 76 };

/* GW_EINVAL when value is not UTF-8 or holds a control character; what names the field. */
gw_code header_check(gw_str value, const char *what, gw_err *err) GW_NODISCARD;

/* "Name: value", value in ASCII and as it is (ids, dates, structured values); folded at spaces. */
gw_code header_plain(gw_buf *out, const char *name, gw_str value, gw_err *err) GW_NODISCARD;
/* "Name: value" as unstructured text: encoded words where it is not ASCII. */
gw_code header_text(gw_buf *out, const char *name, gw_str value, gw_err *err) GW_NODISCARD;

typedef struct {
    gw_str name;    /* may be empty */
    gw_str address; /* passed address_check */
} header_mailbox;
/* "Name: mailbox, mailbox". Nothing is written for n 0. */
gw_code header_mailboxes(gw_buf *out, const char *name, const header_mailbox *boxes, size_t n,
                         gw_err *err) GW_NODISCARD;

/* "Name: value; parameter=..." with an RFC 2231 parameter where the file name is not ASCII. */
gw_code header_file(gw_buf *out, const char *name, const char *value, const char *parameter,
                    gw_str file_name, gw_err *err) GW_NODISCARD;

/* "Date: Tue, 22 Jan 2013 10:00:00 +0000" */
gw_code header_date(gw_buf *out, int64_t ms, gw_err *err) GW_NODISCARD;

#endif
