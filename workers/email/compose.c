#include "workers/email/compose.h"

#include "workers/email/address.h"
#include "workers/email/hygiene.h"
#include "workers/email/part.h"

#include <pthread.h>
#include <stdio.h>

enum { HEADER_BYTES_MAX = 64 * 1024 };

static GMimeFormatOptions *format; /* read only once it is made */

static void start_gmime(void)
{
    g_mime_init();
    format = g_mime_format_options_new();
    g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS);
    g_mime_format_options_set_param_encoding_method(format, GMIME_PARAM_ENCODING_METHOD_RFC2231);
}

/* ---- what is refused before GMime sees it ---- */

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

static bool is_uri_text(gw_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= 0x20 || c >= 0x7f || strchr("<>\"\\^`{|},", c))
            return false;
    }
    return true;
}

static gw_code check_unsubscribe(const compose_mail *m, gw_err *err)
{
    gw_str url = m->unsubscribe_url;
    if (url.n > 0 && (url.n < 9 || memcmp(url.p, "https://", 8) != 0 || !is_uri_text(url)))
        return gw_fail(err, GW_EINVAL, "the unsubscribe URL is not an https URL");
    if (url.n > COMPOSE_URL_MAX)
        return gw_fail(err, GW_ELIMIT, "the unsubscribe URL is longer than %d bytes",
                       COMPOSE_URL_MAX);
    return m->unsubscribe_mailto.n == 0
               ? GW_OK
               : address_check(m->unsubscribe_mailto, "the unsubscribe address", err);
}

static gw_code check_attachments(const compose_mail *m, gw_err *err)
{
    if (m->attachment_n > COMPOSE_ATTACHMENTS_MAX)
        return gw_fail(err, GW_ELIMIT, "more than %d attachments", COMPOSE_ATTACHMENTS_MAX);
    for (size_t i = 0; i < m->attachment_n; i++) {
        gw_str name = m->attachments[i].file_name;
        if (name.n == 0 || name.n > COMPOSE_FILE_NAME_MAX)
            return gw_fail(err, GW_ELIMIT, "an attachment's name must have 1..%d bytes",
                           COMPOSE_FILE_NAME_MAX);
        if (memchr(name.p, '/', name.n) || memchr(name.p, '\\', name.n))
            return gw_fail(err, GW_EINVAL, "an attachment's name holds a slash");
        gw_code rc = header_check(name, "file name", err);
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

static gw_code check(const compose_mail *m, const gw_buf *out, gw_err *err)
{
    gw_code rc = check_id(m->id, err);
    if (rc == GW_OK)
        rc = address_check(m->message_id, "Message-ID", err);
    if (rc == GW_OK && m->thread_id.n > 0)
        rc = address_check(m->thread_id, "References", err);
    if (rc == GW_OK)
        rc = check_unsubscribe(m, err);
    if (rc == GW_OK)
        rc = check_attachments(m, err);
    if (rc != GW_OK)
        return rc;
    if (m->date_ms < 0 || m->date_ms > INT64_C(253402300799999)) /* 9999-12-31T23:59:59.999Z */
        return gw_fail(err, GW_EINVAL, "the task's time is outside the years 1970..9999");
    if (m->to_n == 0)
        return gw_fail(err, GW_EINVAL, "the message has no recipient in To");
    if (m->to_n > COMPOSE_RECIPIENTS_MAX || m->cc_n > COMPOSE_RECIPIENTS_MAX)
        return gw_fail(err, GW_ELIMIT, "more than %d recipients", COMPOSE_RECIPIENTS_MAX);
    if (m->subject.n == 0)
        return gw_fail(err, GW_EINVAL, "the message has no subject");
    if (m->text.n == 0)
        return gw_fail(err, GW_EINVAL, "the message has no text part");
    if (m->locale.n > COMPOSE_LOCALE_MAX || !is_uri_text(m->locale))
        return gw_fail(err, GW_EINVAL, "the locale is not the name of a language");
    size_t bytes = m->text.n + m->html.n; /* no encoding makes it less */
    for (size_t i = 0; i < m->attachment_n; i++)
        bytes += m->attachments[i].bytes.n;
    if (bytes > out->ceiling)
        return gw_fail(err, GW_ELIMIT, "the message is larger than its limit of %zu bytes",
                       out->ceiling);
    return GW_OK;
}

/* ---- headers ---- */

static gw_code put_mailboxes(GMimeMessage *message, GMimeAddressType type, const char *name,
                             const header_mailbox *boxes, size_t n, gw_err *err)
{
    gw_code rc = GW_OK;
    InternetAddressList *list = internet_address_list_new(); /* each change of the message's own
                                                              * would write the header anew */
    for (size_t i = 0; i < n && rc == GW_OK; i++) {
        GW_AUTO_BUF gw_buf words;
        char address[ADDRESS_BYTES_MAX + 1];
        gw_buf_init(&words, HEADER_BYTES_MAX);
        rc = address_check(boxes[i].address, name, err);
        if (rc == GW_OK)
            rc = header_words(&words, boxes[i].name, name, err);
        if (rc != GW_OK)
            break;
        snprintf(address, sizeof address, "%.*s", GW_STR_ARG(boxes[i].address));
        InternetAddress *box = internet_address_mailbox_new(words.n ? words.data : NULL, address);
        /* GMime would ask libidn for this form; address_check lets ASCII alone through */
        INTERNET_ADDRESS_MAILBOX(box)->idn_addr = g_strdup(address);
        internet_address_list_add(list, box);
        g_object_unref(box);
    }
    if (rc == GW_OK && n > 0)
        internet_address_list_append(g_mime_message_get_addresses(message, type), list);
    g_object_unref(list);
    return rc;
}

static gw_code put_people(GMimeMessage *message, const compose_mail *m, gw_err *err)
{
    const struct {
        GMimeAddressType type;
        const char *name;
        const header_mailbox *boxes;
        size_t n;
    } rows[] = {
        {GMIME_ADDRESS_TYPE_FROM, "From", &m->from, 1},
        {GMIME_ADDRESS_TYPE_TO, "To", m->to, m->to_n},
        {GMIME_ADDRESS_TYPE_CC, "Cc", m->cc, m->cc_n},
        {GMIME_ADDRESS_TYPE_REPLY_TO, "Reply-To", &(header_mailbox){{NULL, 0}, m->reply_to},
         m->reply_to.n ? 1 : 0},
    };
    gw_code rc = GW_OK;
    for (size_t i = 0; i < GW_COUNT(rows) && rc == GW_OK; i++)
        rc = put_mailboxes(message, rows[i].type, rows[i].name, rows[i].boxes, rows[i].n, err);
    return rc;
}

static void put(GMimeMessage *message, const char *name, const char *value)
{
    g_mime_object_append_header(GMIME_OBJECT(message), name, value, "utf-8");
}

/* local@domain without angle brackets, as a Message-ID has it (RFC 5322 §3.6.4). */
static void put_id(GMimeMessage *message, const char *name, gw_str id)
{
    char line[ADDRESS_BYTES_MAX + 3];
    snprintf(line, sizeof line, "<%.*s>", GW_STR_ARG(id));
    put(message, name, line);
}

/* RFC 2369 §3.2 and RFC 8058 §3.1. Given as it is to be written: GMime would make encoded words of
 * a long URI. */
static void put_unsubscribe(GMimeMessage *message, const compose_mail *m)
{
    static const char name[] = "List-Unsubscribe";
    gw_str mailto = m->unsubscribe_mailto, url = m->unsubscribe_url;
    char line[ADDRESS_BYTES_MAX + COMPOSE_ID_MAX + COMPOSE_URL_MAX + 64];
    int n = 0;
    if (mailto.n == 0 && url.n == 0)
        return;
    if (mailto.n > 0)
        n = snprintf(line, sizeof line, " <mailto:%.*s?subject=unsubscribe%%20%.*s>%s",
                     GW_STR_ARG(mailto), GW_STR_ARG(m->id), url.n ? ",\r\n" : "\r\n");
    if (url.n > 0)
        snprintf(line + n, sizeof line - (size_t)n, " <%.*s>\r\n", GW_STR_ARG(url));
    put(message, name, "");
    GMimeHeaderList *list = g_mime_object_get_header_list(GMIME_OBJECT(message));
    g_mime_header_set_raw_value(g_mime_header_list_get_header(list, name), line);
    if (url.n > 0)
        put(message, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
}

static gw_code put_headers(GMimeMessage *message, const compose_mail *m, gw_err *err)
{
    GW_AUTO_BUF gw_buf subject;
    char id[COMPOSE_ID_MAX + 1];
    GDateTime *date = g_date_time_new_from_unix_utc(m->date_ms / 1000);
    g_mime_message_set_date(message, date);
    g_date_time_unref(date);
    gw_buf_init(&subject, HEADER_BYTES_MAX);
    gw_code rc = put_people(message, m, err);
    if (rc == GW_OK)
        rc = header_words(&subject, m->subject, "Subject", err);
    if (rc != GW_OK)
        return rc;
    g_mime_message_set_subject(message, subject.data, "utf-8");
    put_id(message, "Message-ID", m->message_id);
    if (m->thread_id.n > 0)
        put_id(message, "References", m->thread_id);
    put(message, "Auto-Submitted", "auto-generated"); /* RFC 3834 §5: no vacation notice answers */
    put_unsubscribe(message, m);
    snprintf(id, sizeof id, "%.*s", GW_STR_ARG(m->id));
    put(message, "X-Dunlin-Reference", id);
    return GW_OK;
}

/* GMime folds right behind the name when the first word is long; some readers, and Python's, keep
 * what follows as part of the value or see an empty one. */
static void unfold_names(GMimeMessage *message)
{
    GMimeHeaderList *list = g_mime_object_get_header_list(GMIME_OBJECT(message));
    for (int i = 0; i < g_mime_header_list_get_count(list); i++) {
        GMimeHeader *header = g_mime_header_list_get_header_at(list, i);
        const char *raw = g_mime_header_get_raw_value(header);
        size_t blank = strspn(raw, " \t\r\n");
        if (!memchr(raw, '\n', blank))
            continue;
        gchar *line = g_strconcat(" ", raw + blank, NULL);
        g_mime_header_set_raw_value(header, line);
        g_free(line);
    }
}

/* ---- the tree ---- */

/* multipart/<subtype>. "=_" occurs neither in base64 nor in quoted-printable (RFC 2045 §6.7), and
 * part_text keeps a line with "--=_" from going out as it is: no content can end a part. */
static GMimeMultipart *multipart(const char *subtype, gw_str id)
{
    char boundary[COMPOSE_ID_MAX + 16];
    snprintf(boundary, sizeof boundary, "=_%c.%.*s", subtype[0], GW_STR_ARG(id));
    GMimeContentType *type = g_mime_content_type_new("multipart", subtype);
    g_mime_content_type_set_parameter(type, "boundary", boundary);
    GMimeMultipart *made = g_object_new(GMIME_TYPE_MULTIPART, NULL); /* g_mime_multipart_new would
                                                                      * read a random boundary */
    g_mime_object_set_content_type(GMIME_OBJECT(made), type);
    g_object_unref(type);
    return made;
}

static void give(GMimeMultipart *parent, GMimeObject *part)
{
    g_mime_multipart_add(parent, part);
    g_object_unref(part);
}

static GMimeObject *texts_of(const compose_mail *m)
{
    GMimeObject *plain = part_text("plain", m->text);
    if (m->html.n == 0)
        return plain;
    GMimeMultipart *both = multipart("alternative", m->id);
    give(both, plain);
    give(both, part_text("html", m->html));
    return GMIME_OBJECT(both);
}

static GMimeObject *tree_of(const compose_mail *m)
{
    GMimeObject *texts = texts_of(m);
    if (m->attachment_n == 0)
        return texts;
    GMimeMultipart *all = multipart("mixed", m->id);
    give(all, texts);
    for (size_t i = 0; i < m->attachment_n; i++) {
        const compose_attachment *a = &m->attachments[i];
        char name[COMPOSE_FILE_NAME_MAX + 1];
        snprintf(name, sizeof name, "%.*s", GW_STR_ARG(a->file_name));
        give(all, part_file(a->media, name, a->bytes));
    }
    return GMIME_OBJECT(all);
}

static gw_code write_out(GMimeMessage *message, gw_buf *out, gw_err *err)
{
    enum { USUAL_BYTES = 16 * 1024 };
    size_t from = out->n;
    GByteArray *bytes = g_byte_array_sized_new(USUAL_BYTES);
    GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(bytes); /* takes bytes */
    bool written = g_mime_object_write_to_stream(GMIME_OBJECT(message), format, stream) >= 0;
    if (written)
        gw_buf_put(out, bytes->data, bytes->len);
    g_object_unref(stream);
    if (!written)
        return gw_fail(err, GW_ENOMEM, "GMime did not write the message");
    gw_code rc = gw_buf_code(out, "the message", err);
    return rc == GW_OK ? hygiene_check_lines((gw_str){out->data + from, out->n - from}, err) : rc;
}

gw_code compose(const compose_mail *m, gw_buf *out, gw_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_gmime);
    gw_code rc = check(m, out, err);
    if (rc != GW_OK)
        return rc;
    GMimeMessage *message = g_mime_message_new(FALSE);
    rc = put_headers(message, m, err);
    if (rc == GW_OK) {
        GMimeObject *root = tree_of(m);
        if (m->locale.n > 0) {
            char locale[COMPOSE_LOCALE_MAX + 1];
            snprintf(locale, sizeof locale, "%.*s", GW_STR_ARG(m->locale));
            g_mime_object_append_header(root, "Content-Language", locale, "utf-8");
        }
        g_mime_message_set_mime_part(message, root);
        g_object_unref(root);
        unfold_names(message);
        rc = write_out(message, out, err);
    }
    g_object_unref(message);
    return rc;
}
