/* Bytes cut at NULs into a mail's fields: what is composed has clean CRLF lines, one header of each
 * name, and no more header lines than we wrote. */
#include "workers/email/compose.h"

#include <assert.h>

enum { FIELDS = 8, OUT_MAX = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void split(const uint8_t *data, size_t n, gw_str *fields)
{
    const char *p = (const char *)data;
    const char *end = p + n;
    for (int i = 0; i < FIELDS; i++) {
        const char *stop = i + 1 < FIELDS ? memchr(p, 0, (size_t)(end - p)) : NULL;
        stop = stop ? stop : end;
        fields[i] = (gw_str){p, (size_t)(stop - p)};
        p = stop < end ? stop + 1 : end;
    }
}

static void check(gw_str m)
{
    static const char *const ours[] = {"Date",
                                       "From",
                                       "To",
                                       "Reply-To",
                                       "Subject",
                                       "Message-ID",
                                       "References",
                                       "Auto-Submitted",
                                       "MIME-Version",
                                       "X-Dunlin-Reference",
                                       "Content-Type",
                                       "Content-Transfer-Encoding",
                                       "List-Unsubscribe",
                                       "List-Unsubscribe-Post"};
    unsigned seen = 0;
    bool in_headers = true;
    for (size_t at = 0; at < m.n;) {
        const char *lf = memchr(m.p + at, '\n', m.n - at);
        assert(lf && lf > m.p && lf[-1] == '\r');
        gw_str line = {m.p + at, (size_t)(lf - 1 - (m.p + at))};
        assert(line.n <= HEADER_LINE_MAX && !memchr(line.p, '\r', line.n) &&
               !memchr(line.p, 0, line.n));
        in_headers = in_headers && line.n > 0;
        if (in_headers && line.p[0] != ' ' && line.p[0] != '\t') { /* not a folded one */
            size_t known = 0;
            while (known < GW_COUNT(ours) &&
                   !(line.n > strlen(ours[known]) && line.p[strlen(ours[known])] == ':' &&
                     memcmp(line.p, ours[known], strlen(ours[known])) == 0))
                known++;
            assert(known < GW_COUNT(ours) && !(seen & 1u << known));
            seen |= 1u << known;
        }
        at += line.n + 2;
    }
    assert(!in_headers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    gw_str f[FIELDS];
    gw_err err = {0};
    GW_AUTO_BUF gw_buf out;
    gw_buf_init(&out, OUT_MAX);
    split(data, n, f);
    const header_mailbox to[] = {{f[2], f[3].n ? f[3] : GW_STR("a@example.test")}};
    const compose_attachment file = {f[4], "text/csv; charset=utf-8", f[7]};
    const compose_mail m = {.id = GW_STR("rid"),
                            .from = {f[1], GW_STR("b@example.test")},
                            .to = to,
                            .to_n = 1,
                            .subject = f[0],
                            .message_id = GW_STR("rid@example.test"),
                            .thread_id = f[5],
                            .unsubscribe_url = f[6],
                            .text = f[7],
                            .html = n % 2 ? f[7] : (gw_str){NULL, 0},
                            .attachments = &file,
                            .attachment_n = f[4].n > 0};
    if (compose(&m, &out, &err) == GW_OK)
        check(gw_buf_str(&out));
    else
        assert(err.text[0]);
    return 0;
}
