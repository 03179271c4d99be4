#include "workers/email/compose.h"

#include "workers/email/address.h"
#include "workers/email/encode.h"

#include <stdio.h>

typedef struct {
    char mixed[COMPOSE_ID_MAX + 16];
    char alternative[COMPOSE_ID_MAX + 16];
} boundaries;

static gw_code check_id(gw_str id, gw_err *err)
{
    if (id.n == 0 || id.n > COMPOSE_ID_MAX)
        return gw_fail(err, GW_ELIMIT, "the reminder id must have 1..%d bytes", COMPOSE_ID_MAX);
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!ok && c != '-')
            return gw_fail(err, GW_EINVAL, "the reminder id holds more than letters and digits");
    }
    return GW_OK;
}

/* local@domain without angle brackets, as a Message-ID has it (RFC 5322 §3.6.4). */
static gw_code put_id(gw_buf *out, const char *name, gw_str id, gw_err *err)
{
    char line[ADDRESS_BYTES_MAX + 3];
    gw_code rc = address_check(id, name, err);
    if (rc != GW_OK)
        return rc;
    int n = snprintf(line, sizeof line, "<%.*s>", GW_STR_ARG(id));
    return header_plain(out, name, (gw_str){line, (size_t)n}, err);
}

static gw_code check_boxes(const header_mailbox *boxes, size_t n, const char *what, gw_err *err)
{
    if (n > COMPOSE_RECIPIENTS_MAX)
        return gw_fail(err, GW_ELIMIT, "more than %d recipients", COMPOSE_RECIPIENTS_MAX);
    for (size_t i = 0; i < n; i++) {
        gw_code rc = address_check(boxes[i].address, what, err);
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

static gw_code put_people(const compose_mail *m, gw_buf *out, gw_err *err)
{
    const struct {
        const char *name;
        const header_mailbox *boxes;
        size_t n;
    } rows[] = {
        {"From", &m->from, 1},
        {"To", m->to, m->to_n},
        {"Cc", m->cc, m->cc_n},
        {"Reply-To", &(header_mailbox){{NULL, 0}, m->reply_to}, m->reply_to.n ? 1 : 0},
    };
    if (m->to_n == 0)
        return gw_fail(err, GW_EINVAL, "the message has no recipient in To");
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        gw_code rc = check_boxes(rows[i].boxes, rows[i].n, rows[i].name, err);
        if (rc == GW_OK)
            rc = header_mailboxes(out, rows[i].name, rows[i].boxes, rows[i].n, err);
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

static bool is_uri_text(gw_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= 0x20 || c >= 0x7f || strchr("<>\"\\^`{|},", c))
            return false;
    }
    return true;
}

/* RFC 2369 §3.2 and RFC 8058 §3.1. */
static gw_code put_unsubscribe(const compose_mail *m, gw_buf *out, gw_err *err)
{
    gw_str mailto = m->unsubscribe_mailto, url = m->unsubscribe_url;
    if (mailto.n == 0 && url.n == 0)
        return GW_OK;
    if (url.n > 0 && (url.n < 9 || memcmp(url.p, "https://", 8) != 0 || !is_uri_text(url)))
        return gw_fail(err, GW_EINVAL, "the unsubscribe URL is not an https URL");
    GW_AUTO_BUF gw_buf value;
    gw_buf_init(&value, 4096);
    if (mailto.n > 0) {
        gw_code rc = address_check(mailto, "the unsubscribe address", err);
        if (rc != GW_OK)
            return rc;
        gw_buf_printf(&value, "<mailto:%.*s?subject=unsubscribe%%20%.*s>", GW_STR_ARG(mailto),
                      GW_STR_ARG(m->id));
    }
    if (url.n > 0)
        gw_buf_printf(&value, "%s<%.*s>", mailto.n ? ", " : "", GW_STR_ARG(url));
    gw_code rc = gw_buf_code(&value, "List-Unsubscribe", err);
    if (rc == GW_OK)
        rc = header_plain(out, "List-Unsubscribe", gw_buf_str(&value), err);
    if (rc == GW_OK && url.n > 0)
        rc = header_plain(out, "List-Unsubscribe-Post", GW_STR("List-Unsubscribe=One-Click"), err);
    return rc;
}

static gw_code put_headers(const compose_mail *m, gw_buf *out, gw_err *err)
{
    gw_code rc = check_id(m->id, err);
    if (rc == GW_OK)
        rc = header_date(out, m->date_ms, err);
    if (rc == GW_OK)
        rc = put_people(m, out, err);
    if (rc == GW_OK && m->subject.n == 0)
        rc = gw_fail(err, GW_EINVAL, "the message has no subject");
    if (rc == GW_OK)
        rc = header_text(out, "Subject", m->subject, err);
    if (rc == GW_OK)
        rc = put_id(out, "Message-ID", m->message_id, err);
    if (rc == GW_OK && m->thread_id.n > 0)
        rc = put_id(out, "References", m->thread_id, err);
    if (rc == GW_OK) /* RFC 3834 §5: no vacation notice shall answer */
        rc = header_plain(out, "Auto-Submitted", GW_STR("auto-generated"), err);
    if (rc == GW_OK)
        rc = put_unsubscribe(m, out, err);
    if (rc == GW_OK)
        rc = header_plain(out, "X-Dunlin-Reference", m->id, err);
    if (rc == GW_OK && m->locale.n > 0)
        rc = header_plain(out, "Content-Language", m->locale, err);
    if (rc == GW_OK)
        rc = header_plain(out, "MIME-Version", GW_STR("1.0"), err);
    return rc;
}

static gw_code put_text_part(gw_buf *out, const char *subtype, gw_str text, const char *marker,
                             gw_err *err)
{
    encode_kind kind = encode_choose(text, marker);
    gw_buf_printf(out,
                  "Content-Type: text/%s; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: %s\r\n\r\n",
                  subtype, encode_name(kind));
    return encode_text(out, kind, text, err);
}

static gw_code put_alternative(const compose_mail *m, const boundaries *b, gw_buf *out, gw_err *err)
{
    if (m->text.n == 0)
        return gw_fail(err, GW_EINVAL, "the message has no text part");
    if (m->html.n == 0)
        return put_text_part(out, "plain", m->text, "--=_", err);
    gw_buf_printf(out, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n--%s\r\n",
                  b->alternative, b->alternative);
    gw_code rc = put_text_part(out, "plain", m->text, "--=_", err);
    if (rc != GW_OK)
        return rc;
    gw_buf_printf(out, "\r\n--%s\r\n", b->alternative);
    rc = put_text_part(out, "html", m->html, "--=_", err);
    if (rc != GW_OK)
        return rc;
    gw_buf_printf(out, "\r\n--%s--\r\n", b->alternative);
    return gw_buf_code(out, "the message", err);
}

static gw_code put_attachment(const compose_attachment *a, gw_buf *out, gw_err *err)
{
    if (a->file_name.n == 0 || a->file_name.n > COMPOSE_FILE_NAME_MAX)
        return gw_fail(err, GW_ELIMIT, "an attachment's name must have 1..%d bytes",
                       COMPOSE_FILE_NAME_MAX);
    if (memchr(a->file_name.p, '/', a->file_name.n) || memchr(a->file_name.p, '\\', a->file_name.n))
        return gw_fail(err, GW_EINVAL, "an attachment's name holds a slash");
    gw_code rc = header_file(out, "Content-Type", a->media, "name", a->file_name, err);
    if (rc == GW_OK)
        rc = header_file(out, "Content-Disposition", "attachment", "filename", a->file_name, err);
    if (rc != GW_OK)
        return rc;
    gw_buf_puts(out, "Content-Transfer-Encoding: base64\r\n\r\n");
    return encode_base64(out, a->bytes, err);
}

gw_code compose(const compose_mail *m, gw_buf *out, gw_err *err)
{
    if (m->attachment_n > COMPOSE_ATTACHMENTS_MAX)
        return gw_fail(err, GW_ELIMIT, "more than %d attachments", COMPOSE_ATTACHMENTS_MAX);
    gw_code rc = put_headers(m, out, err);
    if (rc != GW_OK)
        return rc;
    /* "=_" occurs neither in base64 nor in quoted-printable (RFC 2045 §6.7), and encode_choose
     * keeps a text with "--=_" from going out as it is: no content can end a part. */
    boundaries b;
    snprintf(b.mixed, sizeof b.mixed, "=_m.%.*s", GW_STR_ARG(m->id));
    snprintf(b.alternative, sizeof b.alternative, "=_a.%.*s", GW_STR_ARG(m->id));
    if (m->attachment_n == 0) {
        rc = put_alternative(m, &b, out, err);
        return rc == GW_OK ? gw_buf_code(out, "the message", err) : rc;
    }
    gw_buf_printf(out, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n", b.mixed,
                  b.mixed);
    rc = put_alternative(m, &b, out, err);
    for (size_t i = 0; rc == GW_OK && i < m->attachment_n; i++) {
        gw_buf_printf(out, "\r\n--%s\r\n", b.mixed);
        rc = put_attachment(&m->attachments[i], out, err);
    }
    if (rc != GW_OK)
        return rc;
    gw_buf_printf(out, "\r\n--%s--\r\n", b.mixed);
    return gw_buf_code(out, "the message", err);
}
