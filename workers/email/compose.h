/* compose.h - the exact bytes of one e-mail (RFC 5322, 2045-2047, 2231).
 *
 * The tree is
 *     multipart/mixed                     only with attachments
 *       multipart/alternative             only with an HTML part
 *         text/plain, text/html
 *       statement.pdf, statement.csv ...
 * Everything is UTF-8 in, ASCII out: lines end in CRLF, hold no bare CR or LF and at most 998
 * bytes, so that no relay has a reason to touch them and SMTP smuggling finds no foothold.
 * Deterministic: boundaries come from the id, the date from the task; the same input gives the same
 * bytes, and those bytes are what the intent's hash stands for.
 *
 * GMime builds and writes the message. Around it: what must not reach it is refused (line breaks
 * and controls in headers, addresses, sizes), encoded words are made here (header.h says why), and
 * what it wrote is looked at line by line.
 *
 * Thread: any, several at once: the first call starts GMime for the process, the objects of a
 * message live and die within one call. GLib ends the process when memory is exhausted. */
#ifndef EMAIL_COMPOSE_H
#define EMAIL_COMPOSE_H

#include "workers/email/header.h"

enum {
    COMPOSE_BYTES_MAX = 20 * 1024 * 1024, /* whole message; large providers stop at 25 MB */
    COMPOSE_ATTACHMENTS_MAX = 8,
    COMPOSE_RECIPIENTS_MAX = 100, /* RFC 5321 §4.5.3.1.8 */
    COMPOSE_ID_MAX = 64,
    COMPOSE_FILE_NAME_MAX = 200,
    COMPOSE_LOCALE_MAX = 64,
    COMPOSE_URL_MAX = 900, /* one line of the header, less what is around it */
};

typedef struct {
    gw_str file_name;
    const char *media; /* "application/pdf", "text/csv; charset=utf-8" */
    gw_str bytes;
} compose_attachment;

typedef struct {
    gw_str id; /* reminder id: letters, digits, '-'; seeds boundaries, X-Dunlin-Reference */
    int64_t date_ms;
    header_mailbox from;
    gw_str reply_to; /* address or empty */
    const header_mailbox *to, *cc;
    size_t to_n, cc_n;
    gw_str subject;
    gw_str message_id;         /* without angle brackets */
    gw_str thread_id;          /* References: without angle brackets, or empty */
    gw_str locale;             /* Content-Language, or empty */
    gw_str unsubscribe_mailto; /* address or empty */
    gw_str unsubscribe_url;    /* https or empty */
    gw_str text;
    gw_str html; /* n 0 = none */
    const compose_attachment *attachments;
    size_t attachment_n;
} compose_mail;

/* Append the message to out (ceiling: the caller's size limit, at most COMPOSE_BYTES_MAX). Errors
 * name the field and the rule, never the value: GW_EINVAL, GW_ELIMIT, GW_ENOMEM. On failure out's
 * content is not to be used. */
gw_code compose(const compose_mail *mail, gw_buf *out, gw_err *err) GW_NODISCARD;

#endif
